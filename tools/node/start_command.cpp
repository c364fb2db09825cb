#include "maze/io/credentials.hpp"
#include "node/background.hpp"
#include "node/cluster_place.hpp"
#include "node/cluster_service.hpp"
#include "node/cluster_session.hpp"
#include "node/commands.hpp"
#include "node/event_queue.hpp"
#include "node/private_node.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iostream>
#include <unistd.h>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds drain_patience{10};

/// The state of a lasting cluster, apart from those of others and from private ones.
fs::path state_of(const settings& values) {
  return fs::absolute(values.dir) / "clusters" / values.name;
}

core::result<void> check(const options& what) {
  if (what.flags.role != start_role::both)
    return core::fail(core::errc::unsupported_operation,
                      "this version starts nodes with both roles only: leave --role out", "start");
  if (what.values.join)
    return core::fail(
        core::errc::invalid_argument,
        "--join is for a node with --role worker: a node with both roles is a cluster "
        "of its own",
        "start");
  return {};
}

} // namespace

/// One `maze-node start` from its options to its end.
class started_node {
public:
  explicit started_node(const options& what) : what_(what) {}

  int carry_out() {
    if (auto fine = check(what_); !fine)
      return refuse(fine.error(), exit_code::wrong_use);
    // While there is no thread yet.
    if (what_.flags.detach)
      if (const auto code = parent_.enter())
        return *code;
    const auto limits = prepare_process(tasks_at_once(what_.values));
    if (!limits)
      return refuse(limits.error(), exit_code::refused);
    limits_ = *limits;
    event_queue events;
    auto place = cluster_place::claim(runtime_root(surroundings_of_this_process(), ::geteuid()),
                                      what_.values.name);
    if (!place)
      return refuse(place.error(), exit_code::refused);
    if (auto served = serve(*place, events); !served)
      return refuse(served.error(), exit_code::refused);
    return exit_code::done;
  }

private:
  /// Says why there is no cluster, to whoever started it.
  int refuse(const core::error& why, int code) {
    const std::string text = fmt::format("maze-node: {}\n", core::describe(why));
    if (what_.flags.detach)
      parent_.failed(code, text);
    else
      std::cerr << text;
    return code;
  }

  core::result<void> serve(const cluster_place& place, event_queue& events) {
    const fs::path state = state_of(what_.values);
    std::error_code failed;
    fs::create_directories(state, failed);
    if (failed)
      return core::fail(
          io::errno_error(fmt::format("make folder {}", state.string()), failed.value()));
    auto log = open_log(what_.values, state);
    if (!log)
      return core::fail(log.error());
    auto node =
        start_lasting_node(what_.values, limits_, state, *log, [&events] { events.request_end(); });
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
    const cluster_record record{.name = what_.values.name,
                                .pid = ::getpid(),
                                .state = state,
                                .started = std::chrono::system_clock::now().time_since_epoch(),
                                .id = credentials->master.self.cluster};
    if (auto told = place.publish(record); !told)
      return core::fail(told.error());
    (*log)->event(io::log_level::info, "the cluster is ready", {{"name", record.name}});
    announce(record, (*service)->endpoints());
    while (!is_end(events.wait(std::chrono::hours(1)))) {
    }
    (*log)->event(io::log_level::info, "the cluster ends", {{"name", record.name}});
    service->reset();
    events.release_signals();
    if (!(*node)->drain(drain_patience))
      (*log)->event(io::log_level::warning, "an attempt takes long to stop");
    return {};
  }

  static bool is_end(const std::optional<node_event>& event) {
    return event && !std::holds_alternative<actors::run_event>(*event);
  }

  void announce(const cluster_record& record, const std::vector<io::endpoint>& endpoints) {
    std::string text;
    if (what_.values.output == output_form::json) {
      auto listens = nlohmann::json::array();
      for (const io::endpoint& at : endpoints)
        listens.push_back(io::to_string(at));
      text = nlohmann::json{{"name", record.name},
                            {"pid", record.pid},
                            {"state", record.state.string()},
                            {"listens", listens}}
                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
             + "\n";
    } else if (!what_.values.quiet) {
      text = fmt::format("cluster '{}' is ready: process {}, state in {}\n", record.name,
                         record.pid, record.state.string());
    }
    if (what_.flags.detach)
      parent_.ready(text);
    else
      std::cout << text << std::flush;
  }

  const options& what_;
  process_limits limits_;
  background parent_;
};

int start_cluster(const options& what) { return started_node(what).carry_out(); }

} // namespace maze::node
