#include "node/cluster_session.hpp"

#include "maze/io/bulk_channel.hpp"
#include "maze/io/bulk_client.hpp"
#include "maze/io/credentials.hpp"
#include "maze/io/tls.hpp"
#include "node/cluster_service.hpp"

#include <fmt/format.h>

#include <random>
#include <unistd.h>

extern char** environ;

namespace maze::node {

namespace {

io::wall_time now() { return std::chrono::system_clock::now(); }

core::result<cluster_address> read_address(const std::filesystem::path& file, io::node_role as) {
  auto joined = io::read_join_file(file, now());
  if (!joined && joined.error().code == core::errc::not_found)
    return core::fail(core::errc::not_found,
                      fmt::format("there is no join file {}: check the path; 'maze-node join-file "
                                  "NAME' on the master's machine makes one",
                                  file.string()),
                      "cluster");
  if (!joined)
    return core::fail(joined.error());
  if (joined->member.self.role != as)
    return core::fail(
        core::errc::invalid_argument,
        fmt::format("{} lets in the {}, not a {}: ask for one made with 'maze-node join-file NAME "
                    "--for {}'",
                    file.string(), io::to_string(joined->member.self), io::to_string(as),
                    io::to_string(as)),
        "cluster");
  auto tls = io::tls_context::make(joined->member);
  if (!tls)
    return core::fail(tls.error());
  const auto facts = io::read_certificate(joined->member.own.certificate);
  if (!facts)
    return core::fail(facts.error());
  return cluster_address{.masters = joined->masters,
                         .self = joined->member.self,
                         .tls = std::make_shared<const io::tls_context>(std::move(*tls)),
                         .local = std::nullopt,
                         .permitted = facts->permitted};
}

core::result<cluster_address> local_address(const std::string& cluster, io::node_role role,
                                            std::string name) {
  auto found = choose_cluster(runtime_root(surroundings_of_this_process(), ::geteuid()), cluster);
  if (!found)
    return core::fail(found.error());
  return cluster_address{
      .masters = {io::unix_endpoint{found->socket.string()}},
      .self = {.role = role, .name = std::move(name), .cluster = found->record.id},
      .tls = nullptr,
      .local = std::move(*found)};
}

core::result<io::connection> connect_as(const cluster_address& as, const io::endpoint& at,
                                        io::plane purpose, io::node_role peer) {
  static const std::uint64_t this_process = [] {
    std::random_device source;
    return std::uint64_t{source()} << 32 | source();
  }();
  return io::connect(at, {.own = {.protocol = own_fingerprint(),
                                  .purpose = purpose,
                                  .who = as.self,
                                  .incarnation = this_process},
                          .tls = as.tls.get(),
                          .peer_role = peer});
}

core::result<io::bulk_client> bulk_to(const cluster_address& to) {
  auto connected = connect_to(to, io::plane::bulk);
  if (!connected)
    return core::fail(connected.error());
  return io::bulk_client(std::make_unique<io::bulk_channel>(std::move(connected->bytes)), {});
}

core::result<void> judge(const core::result<io::bulk_report>& moved) {
  if (!moved)
    return core::fail(moved.error());
  if (!moved->failures.empty())
    return core::fail(moved->failures.front().why);
  return {};
}

} // namespace

core::result<cluster_address> find_address(const settings& values) {
  if (values.cluster.find('/') != std::string::npos || values.cluster.ends_with(".join")
      || std::filesystem::is_regular_file(values.cluster))
    return read_address(values.cluster, io::node_role::client);
  return local_address(values.cluster, io::node_role::client, fmt::format("client-{}", ::getpid()));
}

core::result<cluster_address> find_master(const settings& values, const std::string& name) {
  if (values.join)
    return read_address(*values.join, io::node_role::worker);
  if (values.cluster.find('/') != std::string::npos || values.cluster.ends_with(".join"))
    return core::fail(core::errc::invalid_argument,
                      fmt::format("--cluster takes a cluster's name here: a worker node joins with "
                                  "--join {}",
                                  values.cluster),
                      "start");
  auto out = local_address(values.cluster, io::node_role::worker, name);
  if (out && out->local->record.name == name)
    return core::fail(
        core::errc::already_exists,
        fmt::format("'{}' is the name of the cluster's own node: choose another --name", name),
        "start");
  return out;
}

core::result<io::connection> connect_to(const cluster_address& to, io::plane purpose) {
  core::error failed;
  for (const io::endpoint& at : to.masters) {
    auto connected = connect_as(to, at, purpose, io::node_role::master);
    if (connected)
      return connected;
    failed = connected.error();
  }
  return core::fail(std::move(failed));
}

core::result<io::connection> connect_to_peer(const cluster_address& as, const io::endpoint& at) {
  return connect_as(as, at, io::plane::bulk, io::node_role::worker);
}

actors::authenticated_socket socket_of(io::connection from) {
  auto parts = from.bytes.release();
  actors::authenticated_socket out;
  out.fd = std::move(parts.fd);
  out.tls.reset(parts.ssl.release());
  out.ticket = from.ticket;
  return out;
}

core::result<std::unique_ptr<actors::cluster_client>> open_session(const cluster_address& to) {
  auto connected = connect_to(to, io::plane::control);
  if (!connected)
    return core::fail(connected.error());
  return actors::cluster_client::connect(socket_of(std::move(*connected)), {.name = to.self.name});
}

actors::blob_uploader uploader_to(const cluster_address& to) {
  return [to](std::span<const core::blob_id> blobs, io::blob_store& from) -> core::result<void> {
    if (blobs.empty())
      return {};
    auto client = bulk_to(to);
    if (!client)
      return core::fail(client.error());
    return judge(client->put(blobs, from, {}));
  };
}

actors::blob_downloader downloader_from(const cluster_address& from) {
  return [from](std::span<const core::blob_id> blobs, io::blob_store& into) -> core::result<void> {
    if (blobs.empty())
      return {};
    auto client = bulk_to(from);
    if (!client)
      return core::fail(client.error());
    // Asked for first, all of them, so that none goes while others are on their way.
    if (auto there = client->have(blobs, {}); !there)
      return core::fail(there.error());
    return judge(client->get(blobs, into, {}));
  };
}

surroundings surroundings_of_this_process() {
  surroundings out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (const auto equals = text.find('='); equals != std::string_view::npos)
      out.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  out.is_root = ::geteuid() == 0;
  return out;
}

} // namespace maze::node
