#pragma once

#include "maze/actors/protocol/file_sync_actor.hpp"
#include "maze/actors/protocol/lane_host_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/protocol/registry_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"
#include "maze/actors/run_files.hpp"
#include "maze/core/node_slots.hpp"
#include "maze/io/log.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace maze::actors {

struct node_agent_setup {
  core::node_slots::options slots;
  slot_listener scheduler;
  bundle_source registry;
  /// Spawns the worker of a slot, which reports to the agent.
  std::function<worker_actor(core::slot_id, const local_agent_actor&)> spawn_worker;
  /// Owns the node's lanes; null on a node that has none.
  lane_host_actor lanes;
  std::shared_ptr<io::blob_store> blobs;
  /// Brings what an attempt needs; null where the store is the master's own.
  file_sync_actor files;
  /// Folder of this node's runs; each gets one below it.
  std::filesystem::path runs_root;
  /// Whether children of this node can have overlays.
  bool overlay = true;
  /// How long the registry may take to answer.
  std::chrono::milliseconds registry_timeout{10'000};
  /// How long the files of an attempt may be on their way.
  std::chrono::milliseconds files_timeout{std::chrono::hours(1)};
  /// Reads the logs of attempts that have ended here.
  log_actor logs;
  std::map<std::string, std::string> labels;
  /// Told of a run that is over here; may be empty.
  std::function<void(core::run_id)> run_over;
  /// How long they are on their way before the log says so; it does so again after each such time.
  std::chrono::milliseconds files_slow{std::chrono::seconds(10)};
  std::shared_ptr<io::log> log;
};

class node_agent_state {
public:
  static constexpr const char* name = "node_agent";

  explicit node_agent_state(local_agent_actor::stateful_pointer<node_agent_state> self)
      : self_(self) {}

  local_agent_actor::behavior_type make_behavior(node_agent_setup setup);

private:
  struct known_run {
    std::shared_ptr<run_files> files;
    /// Orders that wait for the bundle.
    std::vector<attempt_order> waiting;
    /// Whether the snapshot's blobs are here.
    bool complete = false;
    /// Libraries of the run that are here, by name.
    std::set<std::string, std::less<>> libraries;
    /// All that children which are kept can be asked to call are among them.
    bool kept_libraries = false;
    /// Archives of images that are here: each comes when a task first needs it.
    std::set<std::string, std::less<>> archives;
  };
  /// What of a run's code an order needs that is not known to be here.
  struct code_need {
    std::vector<std::string> libraries;
    /// Of an image.
    std::optional<std::string> archive;
    /// The libraries are for a child that is kept.
    bool kept = false;
  };
  /// An attempt that a worker has, and who is told should the worker die.
  struct occupant {
    core::attempt_id attempt;
    core::run_id run;
    attempt_follower context;
    bool is_lane = false;
  };
  struct slot_worker {
    /// Null where only lanes have been.
    worker_actor worker;
    /// What runs there, and what is lined up behind it.
    std::optional<occupant> now;
    std::optional<occupant> next;
  };

  void accept(attempt_order order);
  /// Whether a warm child does it: all calls of a run, or the function of one task.
  [[nodiscard]] bool needs_warm_child(const attempt_order& order) const;
  [[nodiscard]] static code_need missing_code(const known_run& known, const attempt_order& order);
  static void code_is_here(known_run& known, const code_need& came);
  /// Has what the attempt needs brought here, then offers it.
  void fetch(attempt_order order);
  void offer(attempt_order order);
  void ask_registry(core::run_id run);
  void open_run(core::run_id run, const run_bundle_ptr& found);
  void refuse_run(core::run_id run, const core::error& reason);
  void stop(core::attempt_id attempt);
  void free(const slot_free& msg);
  void take_back(attempt_returned& msg);
  void close(core::run_id run);
  /// Gives an order back to the scheduler.
  void refuse(attempt_order order);
  void drop(core::drop_data& what);
  caf::result<bool> drain(bool stop_running);
  [[nodiscard]] node_load load() const;
  caf::result<node_load> load_with_traffic();
  /// Has a tick come as long as anything is on its way.
  void watch_fetches();
  /// Says what is long on its way.
  void tell_slow();
  caf::result<log_piece> read(const read_log& msg);
  caf::result<bool> abandon();
  void tell_if_idle();
  void worker_down(const caf::down_msg& down);
  void lose(core::slot_id slot, const slot_worker& lost, const core::error& reason);
  void perform(const core::slot_actions& todo);
  void start(const core::start_attempt& action);
  void line_up(const core::line_up_attempt& action);
  /// Gives the attempt to the slot's worker, which is made if need be.
  occupant hand_over(core::attempt_id attempt, slot_worker& to, core::slot_id slot,
                     const std::vector<std::uint32_t>& gpus);
  /// Has a tick come as long as anything is lined up.
  void watch_line();
  /// Tells the scheduler that an attempt ended here.
  void report_ended(core::attempt_id attempt);
  /// Has whoever runs the attempt stop it.
  void stop_occupant(const slot_worker& owned, const occupant& who);

  local_agent_actor::stateful_pointer<node_agent_state> self_;
  node_agent_setup setup_;
  std::optional<core::node_slots> logic_;
  std::map<core::run_id, known_run> runs_;
  /// Offered to the slots and not started yet.
  std::map<core::attempt_id, attempt_order> held_;
  std::map<core::slot_id, slot_worker> workers_;
  bool draining_ = false;
  bool tick_due_ = false;
  struct incoming {
    attempt_order order;
    std::chrono::steady_clock::time_point began{};
    /// Blobs that were asked for, some of which may have been here.
    std::size_t blobs = 0;
    std::uint64_t bytes = 0;
  };
  /// Those whose blobs are on their way.
  std::map<core::attempt_id, incoming> fetching_;
  bool fetch_tick_due_ = false;
  std::vector<caf::typed_response_promise<bool>> drained_;
};

/// Cooperative: owns the slots of one node and one worker a slot.
local_agent_actor::behavior_type
node_agent(local_agent_actor::stateful_pointer<node_agent_state> self, node_agent_setup setup);

} // namespace maze::actors
