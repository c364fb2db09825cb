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

core::result<cluster_address> read_address(const std::filesystem::path& file) {
  auto joined = io::read_join_file(file, now());
  if (!joined)
    return core::fail(joined.error());
  if (joined->member.self.role != io::node_role::client)
    return core::fail(core::errc::invalid_argument,
                      fmt::format("{} lets in a {}, not a client: ask for a client's join file",
                                  file.string(), io::to_string(joined->member.self)),
                      "cluster");
  auto tls = io::tls_context::make(joined->member);
  if (!tls)
    return core::fail(tls.error());
  return cluster_address{.at = joined->masters.front(),
                         .self = joined->member.self,
                         .tls = std::make_shared<const io::tls_context>(std::move(*tls)),
                         .record = std::nullopt};
}

core::result<io::connection> connect_to(const cluster_address& to, io::plane purpose) {
  std::random_device source;
  return io::connect(to.at, {.own = {.protocol = own_fingerprint(),
                                     .purpose = purpose,
                                     .who = to.self,
                                     .incarnation = source()},
                             .tls = to.tls.get(),
                             .peer_role = io::node_role::master});
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
  if (values.cluster.find('/') != std::string::npos
      || std::filesystem::is_regular_file(values.cluster))
    return read_address(values.cluster);
  auto found =
      choose_cluster(runtime_root(surroundings_of_this_process(), ::geteuid()), values.cluster);
  if (!found)
    return core::fail(found.error());
  return cluster_address{.at = io::unix_endpoint{found->socket.string()},
                         .self = {.role = io::node_role::client,
                                  .name = fmt::format("client-{}", ::getpid()),
                                  .cluster = found->record.id},
                         .tls = nullptr,
                         .record = found->record};
}

core::result<std::unique_ptr<actors::cluster_client>> open_session(const cluster_address& to) {
  auto connected = connect_to(to, io::plane::control);
  if (!connected)
    return core::fail(connected.error());
  auto parts = connected->bytes.release();
  actors::authenticated_socket socket;
  socket.fd = std::move(parts.fd);
  socket.tls.reset(parts.ssl.release());
  return actors::cluster_client::connect(std::move(socket), {.name = to.self.name});
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
