#pragma once

#include "maze/actors/local_node.hpp"
#include "maze/io/acceptor.hpp"
#include "maze/io/bulk_server.hpp"
#include "maze/io/credentials.hpp"
#include "maze/io/tls.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace maze::node {

/// What this build of maze-node says of itself on a connection.
io::protocol_fingerprint own_fingerprint();

/// Lets clients and worker nodes in: their messages go to the master's gates, their blobs to its store.
class cluster_service {
public:
  /// Listens on the UNIX socket `socket` and on `more`. `node` and `log` must outlive it.
  static core::result<std::unique_ptr<cluster_service>>
  open(actors::local_node& node, const io::cluster_credentials& credentials,
       const std::filesystem::path& socket, const std::vector<io::endpoint>& more, io::log& log);
  /// Lets nobody in any more, and ends what is being transferred.
  ~cluster_service();

  /// Where it listens, with real ports.
  [[nodiscard]] std::vector<io::endpoint> endpoints() const { return acceptor_->endpoints(); }

private:
  cluster_service(actors::local_node& node, io::log& log) : node_(node), log_(log) {}
  void take(io::connection arrived);

  actors::local_node& node_;
  io::log& log_;
  std::string own_name_;
  std::optional<io::tls_context> tls_;
  std::unique_ptr<io::bulk_server> blobs_;
  std::unique_ptr<io::acceptor> acceptor_;
};

} // namespace maze::node
