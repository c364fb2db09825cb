#pragma once

#include "maze/io/acceptor.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/bulk_server.hpp"
#include "maze/io/log.hpp"
#include "node/cluster_session.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace maze::node {

/// Lets the other worker nodes of a cluster read the blobs of this one.
class blob_service {
public:
  /// Listens on `at`; turns everybody away until `serve` is called. Fails with `invalid_argument` for an
  /// endpoint that others could not be told of, else as `io::acceptor::open` does. `log` must outlive it.
  static core::result<std::unique_ptr<blob_service>>
  open(const cluster_address& as, std::vector<io::endpoint> at, io::log& log);
  ~blob_service();

  void serve(std::shared_ptr<io::blob_store> blobs);
  /// What the others are told: the first endpoint, with its real port.
  [[nodiscard]] std::string endpoint() const;

private:
  explicit blob_service(io::log& log) : log_(log) {}
  void take(io::connection arrived);

  io::log& log_;
  std::shared_ptr<const io::tls_context> tls_;
  std::mutex guards_server_;
  std::unique_ptr<io::bulk_server> server_;
  std::unique_ptr<io::acceptor> acceptor_;
};

} // namespace maze::node
