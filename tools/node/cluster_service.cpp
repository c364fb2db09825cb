#include "node/cluster_service.hpp"

#include "maze/actors/type_ids.hpp"
#include "maze/core/error.hpp"
#include "maze/io/bulk_channel.hpp"

#include <random>

namespace maze::node {

io::protocol_fingerprint own_fingerprint() {
  return {.version = MAZE_VERSION, .types = actors::message_types_hash()};
}

core::result<std::unique_ptr<cluster_service>>
cluster_service::open(actors::local_node& node, const io::cluster_credentials& credentials,
                      const std::filesystem::path& socket, const std::vector<io::endpoint>& more,
                      io::log& log) {
  std::unique_ptr<cluster_service> out{new cluster_service(node, log)};
  auto tls = io::tls_context::make(credentials.master);
  if (!tls)
    return core::fail(tls.error());
  out->tls_.emplace(std::move(*tls));
  out->blobs_ =
      std::make_unique<io::bulk_server>(node.shared_blobs(), io::bulk_server::options{}, &log);
  std::random_device source;
  io::acceptor_settings settings;
  settings.endpoints = {io::unix_endpoint{socket.string()}};
  settings.endpoints.insert(settings.endpoints.end(), more.begin(), more.end());
  settings.own = {.protocol = own_fingerprint(),
                  .who = credentials.master.self,
                  .incarnation = std::uint64_t{source()} << 32 | source()};
  auto acceptor = io::acceptor::open(
      std::move(settings), &*out->tls_,
      {.established = [self =
                           out.get()](io::connection arrived) { self->take(std::move(arrived)); },
       .refused =
           [&log](std::string_view line) {
             log.event(io::log_level::warning, "a connection was refused",
                       {{"reason", std::string(line)}});
           }});
  if (!acceptor)
    return core::fail(acceptor.error());
  out->acceptor_ = std::move(*acceptor);
  return out;
}

cluster_service::~cluster_service() {
  acceptor_.reset();
  if (blobs_)
    blobs_->shut_down();
}

void cluster_service::take(io::connection arrived) {
  const std::string from = arrived.bytes.peer().address;
  const auto turn_away = [&](std::string reason) {
    log_.event(io::log_level::warning, "a connection was turned away",
               {{"from", from}, {"reason", std::move(reason)}});
  };
  if (arrived.peer.who.role != io::node_role::client)
    return turn_away("it is no client's");
  if (arrived.peer.purpose == io::plane::bulk) {
    if (auto served = blobs_->serve(std::make_unique<io::bulk_channel>(std::move(arrived.bytes)),
                                    {.may_put = true}, from);
        !served)
      turn_away(core::describe(served.error()));
    return;
  }
  auto parts = arrived.bytes.release();
  actors::authenticated_socket socket;
  socket.fd = std::move(parts.fd);
  socket.tls.reset(parts.ssl.release());
  node_.admit_client(std::move(socket));
}

} // namespace maze::node
