#include "node/worker_command.hpp"

#include "maze/actors/worker_node.hpp"
#include "maze/core/permission_list.hpp"
#include "maze/io/bulk_channel.hpp"
#include "maze/io/folders.hpp"
#include "node/blob_service.hpp"
#include "node/cluster_session.hpp"
#include "node/commands.hpp"
#include "node/event_queue.hpp"
#include "node/private_node.hpp"
#include "node/start_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <unistd.h>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds join_patience{30};
/// How the roads call the master's bulk plane; no endpoint looks like it.
constexpr const char* master_endpoint = "master";

core::result<std::unique_ptr<io::byte_stream>> as_stream(core::result<io::connection> from) {
  if (!from)
    return core::fail(from.error());
  return std::make_unique<io::bulk_channel>(std::move(from->bytes));
}

actors::worker_roads roads_to(const cluster_address& cluster, std::string own,
                              event_queue& events) {
  return {.dial = [cluster]() -> core::result<actors::authenticated_socket> {
            auto connected = connect_to(cluster, io::plane::control);
            if (!connected)
              return core::fail(connected.error());
            return socket_of(std::move(*connected));
          },
          .connect_bulk =
              [cluster](const std::string& to) -> core::result<std::unique_ptr<io::byte_stream>> {
            if (to == master_endpoint)
              return as_stream(connect_to(cluster, io::plane::bulk));
            const auto at = io::parse_endpoint(to);
            if (!at)
              return core::fail(at.error());
            return as_stream(connect_to_peer(cluster, *at));
          },
          .master = master_endpoint,
          .own = std::move(own),
          .on_end = [&events] { events.request_end("the master asked for the end"); }};
}

} // namespace

/// One `maze-node start --role worker` from its options to its end.
class started_worker {
public:
  explicit started_worker(const options& what)
      : what_(what),
        name_(is_given(what, "name") ? what.values.name : std::string("worker")),
        report_(what) {}

  int carry_out() {
    if (what_.flags.until_eof && what_.flags.detach)
      return report_.refuse({.code = core::errc::invalid_argument,
                             .message = "--until-eof and --detach exclude each other: a detached "
                                        "node has no standard input",
                             .origin = "start"},
                            exit_code::wrong_use);
    // A variable or a configuration may name the cluster for other commands.
    if (what_.values.join && origin_of(what_, "cluster").starts_with("flag"))
      return report_.refuse({.code = core::errc::invalid_argument,
                             .message = "--join and --cluster exclude each other: the join file "
                                        "says which cluster",
                             .origin = "start"},
                            exit_code::wrong_use);
    for (const std::string_view flag : {"sandbox_option", "sandbox_limit"})
      if (origin_of(what_, flag).starts_with("flag"))
        return report_.refuse({.code = core::errc::invalid_argument,
                               .message = fmt::format("{} is for a master, which holds all that is "
                                                      "handed in to it: a worker node has no say",
                                                      origin_of(what_, flag)),
                               .origin = "start"},
                              exit_code::wrong_use);
    if (auto fine = check_offer(what_.values); !fine)
      return report_.refuse(fine.error(), exit_code::wrong_use);
    // While there is no thread yet.
    if (const auto code = report_.enter())
      return *code;
    const auto limits = prepare_process(tasks_at_once(what_.values));
    if (!limits)
      return report_.refuse(limits.error(), exit_code::refused);
    limits_ = *limits;
    event_queue events;
    if (auto served = serve(events); !served) {
      // Nobody listens there, or no cluster runs: the command itself is right.
      const core::errc why = served.error().code;
      return report_.refuse(served.error(),
                            why == core::errc::not_found ? exit_code::refused : exit_code_of(why));
    }
    return exit_code::done;
  }

private:
  core::result<void> serve(event_queue& events) {
    auto cluster = find_master(what_.values, name_);
    if (!cluster)
      return core::fail(cluster.error());
    if (what_.values.join && is_given(what_, "name") && cluster->self.name != name_)
      return core::fail(core::errc::invalid_argument,
                        fmt::format("the join file is for a node named '{}', not '{}': leave "
                                    "--name out",
                                    cluster->self.name, name_),
                        "start");
    name_ = cluster->self.name;
    // What nobody could mend by waiting is told at once.
    if (auto reached = connect_to(*cluster, io::plane::bulk); !reached)
      return core::fail(reached.error());
    const fs::path state = fs::absolute(what_.values.dir) / "nodes" / name_;
    if (auto made = io::make_folders(state); !made)
      return core::fail(made.error());
    auto log = open_log(what_.values, state);
    if (!log)
      return core::fail(log.error());
    const auto users = claim_users(what_.values);
    if (!users)
      return core::fail(users.error());
    auto blobs = open_blobs(*cluster, **log);
    if (!blobs)
      return core::fail(blobs.error());
    auto settings = node_settings_of(what_.values, limits_, state, *users);
    if (!settings)
      return core::fail(settings.error());
    // Its files are copies, of use to nobody once the run is over that such a node is made for.
    settings->durable = !what_.flags.until_eof;
    if (settings->durable)
      settings->claim_life = what_.values.reclaim_after;
    settings->name = name_;
    settings->permitted = core::both(settings->permitted, cluster->permitted);
    auto node = actors::worker_node::start(
        *settings, roads_to(*cluster, *blobs ? (*blobs)->endpoint() : std::string(), events), *log);
    if (!node)
      return core::fail(node.error());
    if (*blobs)
      (*blobs)->serve((*node)->shared_blobs());
    return stay(**node, **log, state, events);
  }

  /// On one machine nodes fetch from each other over sockets beside the cluster's; elsewhere only where
  /// the user says so.
  core::result<std::unique_ptr<blob_service>> open_blobs(const cluster_address& cluster,
                                                         io::log& log) {
    std::vector<io::endpoint> at = what_.values.listen;
    if (at.empty() && cluster.local)
      at.emplace_back(io::unix_endpoint{fresh_socket(*cluster.local).string()});
    if (at.empty())
      return std::unique_ptr<blob_service>();
    return blob_service::open(cluster, std::move(at), log);
  }

  core::result<void> stay(actors::worker_node& node, io::log& log, const fs::path& state,
                          event_queue& events) {
    if (!await_admission(node)) {
      core::error why = node.status().last_failure;
      if (why.code == core::errc::none)
        why = {.code = core::errc::transfer_error, .message = "the master did not answer in time"};
      return core::fail(std::move(why));
    }
    log.event(io::log_level::info, "the node is ready", {{"name", name_}});
    report_.ready(fmt::format("node '{}' has joined: process {}, state in {}", name_, ::getpid(),
                              state.string()),
                  {{"name", name_}, {"pid", ::getpid()}, {"state", state.string()}});
    if (what_.flags.until_eof)
      events.end_with(STDIN_FILENO);
    while (!is_end(events.wait(std::chrono::hours(1)))) {
    }
    log.event(io::log_level::info, "the node ends", {{"name", name_}});
    events.release_signals();
    if (!node.drain(drain_patience))
      log.event(io::log_level::warning, "an attempt takes long to stop");
    return {};
  }

  /// Who finds another process under its name waits until that one's lease must have ended.
  [[nodiscard]] bool await_admission(const actors::worker_node& node) const {
    const auto began = std::chrono::steady_clock::now();
    while (!node.await_admission(std::chrono::milliseconds(100))) {
      const core::duration waited = std::chrono::steady_clock::now() - began;
      const bool taken = node.status().last_failure.code == core::errc::already_exists;
      if (waited > (taken ? 2 * what_.values.lease : core::duration(join_patience)))
        return false;
    }
    return true;
  }

  static bool is_end(const std::optional<node_event>& event) {
    return event && !std::holds_alternative<actors::run_event>(*event);
  }

  const options& what_;
  std::string name_;
  process_limits limits_;
  start_report report_;
};

int start_worker(const options& what) { return started_worker(what).carry_out(); }

} // namespace maze::node
