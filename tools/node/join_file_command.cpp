#include "maze/io/credentials.hpp"
#include "node/cluster_session.hpp"
#include "node/commands.hpp"
#include "node/listing.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>
#include <unistd.h>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

/// Where the holder of a join file finds the master.
core::result<std::vector<io::endpoint>> masters_of(const cluster_record& cluster,
                                                   const command_flags::join_file_request& wanted) {
  if (!wanted.addresses.empty())
    return wanted.addresses;
  std::vector<io::endpoint> out;
  std::copy_if(cluster.listens.begin(), cluster.listens.end(), std::back_inserter(out),
               [](const io::endpoint& at) { return std::holds_alternative<io::tcp_endpoint>(at); });
  if (out.empty())
    return core::fail(core::errc::invalid_argument,
                      fmt::format("cluster '{}' listens on this machine only: start it with "
                                  "--listen tcp:ADDRESS:PORT, or say with --address how it is "
                                  "reached",
                                  cluster.name),
                      "join-file");
  for (const io::endpoint& at : out)
    if (io::is_wildcard(at))
      return core::fail(core::errc::invalid_argument,
                        fmt::format("cluster '{}' listens at {}, which is no address to connect "
                                    "to: give one with --address tcp:HOST:{}",
                                    cluster.name, io::to_string(at),
                                    std::get<io::tcp_endpoint>(at).port),
                        "join-file");
  return out;
}

core::result<fs::path> make_join_file(const options& what,
                                      const command_flags::join_file_request& wanted) {
  const std::string& name = what.words.front();
  auto cluster = choose_cluster(runtime_root(surroundings_of_this_process(), ::geteuid()),
                                what.values.cluster);
  if (!cluster)
    return core::fail(cluster.error());
  const cluster_record& record = cluster->record;
  if (name == record.name)
    return core::fail(core::errc::invalid_argument,
                      fmt::format("'{}' is the name of the cluster's own node", name), "join-file");
  auto masters = masters_of(record, wanted);
  if (!masters)
    return core::fail(masters.error());
  const fs::path file = wanted.file.value_or(name + ".join");
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(file, ignored)))
    return core::fail(core::errc::already_exists,
                      fmt::format("{} exists: remove it, or choose another --file", file.string()),
                      "join-file");
  const auto now = std::chrono::system_clock::now();
  const auto credentials = io::open_cluster(record.state / "credentials", record.name, now);
  if (!credentials)
    return core::fail(credentials.error());
  const auto made = io::make_join_file(*credentials,
                                       {.role = wanted.role,
                                        .name = name,
                                        .masters = std::move(*masters),
                                        .valid_for = std::chrono::hours(24) * wanted.days,
                                        .permitted = wanted.permitted},
                                       now);
  if (!made)
    return core::fail(made.error());
  if (auto written = io::write_join_file(file, *made); !written)
    return core::fail(written.error());
  return file;
}

} // namespace

int write_join_file(const options& what) {
  command_flags::join_file_request wanted = what.flags.join_file;
  if (wanted.as) {
    const auto permitted = find_role(what.values.roles, *wanted.as);
    if (!permitted)
      return refuse(what.values, permitted.error(), exit_code::wrong_use);
    wanted.permitted = *permitted;
  }
  const auto file = make_join_file(what, wanted);
  if (!file)
    return refuse(what.values, file.error(),
                  file.error().code == core::errc::not_found ? exit_code::refused
                                                             : exit_code_of(file.error().code));
  const bool worker = wanted.role == io::node_role::worker;
  if (what.values.output == output_form::json)
    std::cout << nlohmann::json{{"file", file->string()},
                                {"name", what.words.front()},
                                {"role", std::string(io::to_string(wanted.role))},
                                {"permitted", permission_names(wanted.permitted)}}
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << '\n';
  else if (!what.values.quiet)
    std::cout << fmt::format(
        "{} lets {} '{}' in for {} days{}. It is a secret: copy it by a private way, then there:\n"
        "  maze-node {} {}\n",
        file->string(), io::to_string(wanted.role), what.words.front(), wanted.days,
        wanted.permitted == core::permission_set::all()
            ? std::string()
            : fmt::format(", whose tasks may do no more than: {}",
                          core::to_string(wanted.permitted)),
        worker ? "start --role worker --join" : "status --cluster",
        worker ? file->string() : fs::absolute(*file).string());
  return exit_code::done;
}

} // namespace maze::node
