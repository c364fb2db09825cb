#include "node/blob_service.hpp"

#include "maze/core/error.hpp"
#include "maze/io/bulk_channel.hpp"
#include "node/cluster_service.hpp"

#include <fmt/format.h>

namespace maze::node {

core::result<std::unique_ptr<blob_service>>
blob_service::open(const cluster_address& as, std::vector<io::endpoint> at, io::log& log) {
  for (const io::endpoint& one : at)
    if (io::is_wildcard(one))
      return core::fail(
          core::errc::invalid_argument,
          fmt::format("other nodes cannot be told to fetch from '{}': name the address of "
                      "this machine that they reach",
                      io::to_string(one)),
          "listen");
  std::unique_ptr<blob_service> out{new blob_service(log)};
  out->tls_ = as.tls;
  auto acceptor = io::acceptor::open(
      {.endpoints = std::move(at),
       .own = {.protocol = own_fingerprint(), .purpose = io::plane::bulk, .who = as.self},
       .control = false},
      out->tls_.get(),
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

blob_service::~blob_service() {
  acceptor_.reset();
  if (server_)
    server_->shut_down();
}

void blob_service::serve(std::shared_ptr<io::blob_store> blobs) {
  const std::lock_guard lock(guards_server_);
  server_ = std::make_unique<io::bulk_server>(std::move(blobs), io::bulk_server::options{}, &log_);
}

std::string blob_service::endpoint() const { return io::to_string(acceptor_->endpoints().front()); }

void blob_service::take(io::connection arrived) {
  const std::string from = arrived.bytes.peer().address;
  const auto turn_away = [&](std::string reason) {
    log_.event(io::log_level::warning, "a connection was turned away",
               {{"from", from}, {"reason", std::move(reason)}});
  };
  if (arrived.peer.who.role != io::node_role::worker)
    return turn_away(
        fmt::format("a {} fetches from the master", io::to_string(arrived.peer.who.role)));
  const std::lock_guard lock(guards_server_);
  if (!server_)
    return turn_away("the node is still starting");
  if (auto served =
          server_->serve(std::make_unique<io::bulk_channel>(std::move(arrived.bytes)), {}, from);
      !served)
    turn_away(core::describe(served.error()));
}

} // namespace maze::node
