#include "node/cluster_service.hpp"

#include "maze/actors/type_ids.hpp"
#include "maze/core/error.hpp"
#include "maze/io/bulk_channel.hpp"
#include "node/cluster_session.hpp"

#include <fmt/format.h>

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
  out->own_name_ = credentials.master.self.name;
  io::bulk_server::options limits;
  // A node has a handful of connections, a client one.
  limits.connections_max = 1024;
  out->blobs_ = std::make_unique<io::bulk_server>(node.shared_blobs(), limits, &log);
  out->blobs_->documents().make_others_with([&node](std::string_view name) {
    auto made = node.run_document(name);
    return made ? std::move(*made) : nullptr;
  });
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
  const io::node_identity who = arrived.peer.who;
  const bool worker = who.role == io::node_role::worker;
  if (!worker && who.role != io::node_role::client)
    return turn_away(fmt::format("a {} is not expected here", io::to_string(who.role)));
  if (worker && who.name == own_name_)
    return turn_away(fmt::format("'{}' is the name of the master's own node", who.name));
  // Every start of a process has its own number, which all its connections tell.
  const std::string peer = fmt::format("{} {:x}", io::to_string(who), arrived.peer.incarnation);
  if (arrived.peer.purpose == io::plane::bulk) {
    if (auto served = blobs_->serve(std::make_unique<io::bulk_channel>(std::move(arrived.bytes)),
                                    {.may_put = true, .may_read_documents = worker}, from);
        !served)
      turn_away(core::describe(served.error()));
    return;
  }
  actors::principal whose{.who = who, .permitted = arrived.bytes.peer().permitted};
  if (worker)
    node_.admit_worker(socket_of(std::move(arrived)), peer, std::move(whose));
  else
    node_.admit_client(socket_of(std::move(arrived)), peer, std::move(whose));
}

} // namespace maze::node
