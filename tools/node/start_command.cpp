#include "maze/io/credentials.hpp"
#include "maze/io/folders.hpp"
#include "node/cluster_place.hpp"
#include "node/cluster_service.hpp"
#include "node/cluster_session.hpp"
#include "node/commands.hpp"
#include "node/event_queue.hpp"
#include "node/private_node.hpp"
#include "node/start_report.hpp"
#include "node/worker_command.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

/// The state of a lasting cluster, apart from those of others and from private ones.
fs::path state_of(const settings& values) {
  return fs::absolute(values.dir) / "clusters" / values.name;
}

} // namespace

/// One `maze-node start` of a master from its options to its end.
class started_master {
public:
  explicit started_master(const options& what) : what_(what), report_(what) {}

  int carry_out() {
    if (what_.values.join)
      return report_.refuse({.code = core::errc::invalid_argument,
                             .message = "--join is for a node with --role worker: any other node "
                                        "is a cluster of its own",
                             .origin = "start"},
                            exit_code::wrong_use);
    if (auto fine = check_offer(what_.values); !fine)
      return report_.refuse(fine.error(), exit_code::wrong_use);
    if (const auto* const archive = core::carried_archive(what_.values.sandbox_option.values))
      return report_.refuse({.code = core::errc::invalid_argument,
                             .message = fmt::format(
                                 "sandbox_option: the archive {} would have to come with each run: "
                                 "write the absolute path of one that lies on each node",
                                 *archive),
                             .origin = "start"},
                            exit_code::wrong_use);
    // While there is no thread yet.
    if (const auto code = report_.enter())
      return *code;
    const auto limits = prepare_process(tasks_at_once(what_.values));
    if (!limits)
      return report_.refuse(limits.error(), exit_code::refused);
    limits_ = *limits;
    event_queue events;
    auto place = cluster_place::claim(runtime_root(surroundings_of_this_process(), ::geteuid()),
                                      what_.values.name);
    if (!place)
      return report_.refuse(place.error(), exit_code::refused);
    if (auto served = serve(*place, events); !served)
      return report_.refuse(served.error(), exit_code::refused);
    return exit_code::done;
  }

private:
  core::result<void> serve(const cluster_place& place, event_queue& events) {
    const fs::path state = state_of(what_.values);
    if (auto made = io::make_folders(state); !made)
      return core::fail(made.error());
    auto log = open_log(what_.values, state);
    if (!log)
      return core::fail(log.error());
    const auto users = claim_users(what_.values);
    if (!users)
      return core::fail(users.error());
    auto node = start_node(state, *users, *log, events);
    if (!node)
      return core::fail(node.error());
    auto credentials = io::open_cluster(state / "credentials", what_.values.name,
                                        std::chrono::system_clock::now());
    if (!credentials)
      return core::fail(credentials.error());
    auto service =
        cluster_service::open(**node, *credentials, place.socket(), what_.values.listen, **log);
    if (!service)
      return core::fail(service.error());
    auto listens = (*service)->endpoints();
    // The first is the place's own socket.
    listens.erase(listens.begin());
    const cluster_record record{.name = what_.values.name,
                                .pid = ::getpid(),
                                .state = state,
                                .started = std::chrono::system_clock::now().time_since_epoch(),
                                .id = credentials->master.self.cluster,
                                .listens = std::move(listens)};
    if (auto told = place.publish(record); !told)
      return core::fail(told.error());
    (*log)->event(io::log_level::info, "the cluster is ready", {{"name", record.name}});
    announce(record, (*service)->endpoints());
    while (!is_end(events.wait(std::chrono::hours(1)))) {
    }
    (*log)->event(io::log_level::info, "the cluster ends", {{"name", record.name}});
    (*node)->dismiss_workers(drain_patience);
    service->reset();
    events.release_signals();
    if (!(*node)->drain(drain_patience))
      (*log)->event(io::log_level::warning, "an attempt takes long to stop");
    return {};
  }

  core::result<std::unique_ptr<actors::local_node>>
  start_node(const fs::path& state, const std::optional<user_range>& users,
             std::shared_ptr<io::log> log, event_queue& events) {
    auto node = node_settings_of(what_.values, limits_, state, users);
    if (!node)
      return core::fail(node.error());
    node->name = what_.values.name;
    node->claim_life = what_.values.reclaim_after;
    node->policy = {what_.values.sandbox_option, what_.values.sandbox_limit};
    node->works = what_.flags.role == start_role::both;
    node->serves = {
        .cluster = what_.values.name, .version = MAZE_VERSION, .on_shut_down = [&events] {
          events.request_end("a client asked for the end");
        }};
    return actors::local_node::start(*node, std::move(log));
  }

  static bool is_end(const std::optional<node_event>& event) {
    return event && !std::holds_alternative<actors::run_event>(*event);
  }

  void announce(const cluster_record& record, const std::vector<io::endpoint>& endpoints) {
    auto listens = nlohmann::json::array();
    std::string also;
    for (const io::endpoint& at : endpoints)
      listens.push_back(io::to_string(at));
    for (const io::endpoint& at : record.listens)
      also += fmt::format(", listening at {}", io::to_string(at));
    report_.ready(fmt::format("cluster '{}' is ready: process {}, state in {}{}", record.name,
                              record.pid, record.state.string(), also),
                  {{"name", record.name},
                   {"pid", record.pid},
                   {"state", record.state.string()},
                   {"listens", listens}});
  }

  const options& what_;
  process_limits limits_;
  start_report report_;
};

int start_cluster(const options& what) {
  if (what.flags.until_eof && what.flags.role != start_role::worker)
    return refuse(what.values,
                  {.code = core::errc::invalid_argument,
                   .message = "--until-eof is for a worker node: add --role worker",
                   .origin = "start"},
                  exit_code::wrong_use);
  return what.flags.role == start_role::worker ? start_worker(what)
                                               : started_master(what).carry_out();
}

} // namespace maze::node
