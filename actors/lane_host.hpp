#pragma once

#include "maze/actors/attempt_environment.hpp"
#include "maze/actors/container_service.hpp"
#include "maze/actors/host_programs.hpp"
#include "maze/actors/protocol/lane_host_actor.hpp"
#include "maze/actors/run_files.hpp"
#include "maze/actors/transport.hpp"
#include "maze/actors/warm_child.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/io/log.hpp"
#include "maze/io/trusted_code.hpp"
#include "maze/sandbox/launcher.hpp"

#include <caf/io/broker.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace maze::actors {

struct lane_host_setup {
  std::shared_ptr<sandbox::launcher> launcher;
  std::shared_ptr<io::log> log;
  base_environment environment;
  host_programs programs;
  /// All that may be loaded here of libraries and pickled functions; null: whatever a run brings.
  std::shared_ptr<const io::trusted_code> trusted;
  /// Null where this node has no container engine.
  std::shared_ptr<container_service> containers;
  /// First of the user ids that warm children get, one each; empty: they run as the node does.
  std::optional<std::uint32_t> first_user;
  /// What every child gets at least.
  core::sandbox_level sandbox_min = core::sandbox_level::none;
  /// What of sandboxes this node can give.
  core::sandbox_offer offers{};
  /// From SIGTERM to SIGKILL when a child is stopped.
  std::chrono::milliseconds stop_grace{2000};
  /// A child without a lane is kept for so long.
  std::chrono::milliseconds idle_max{30'000};
  /// A lane that hears nothing of its hub for so long after its child got ready ends.
  std::chrono::milliseconds silence_max{10'000};
  std::chrono::milliseconds tick{100};
  /// How long a child may take to get ready, where the plan sets no time for a call.
  std::chrono::milliseconds start_max{60'000};
  /// The same for one in a container, whose image may have to be fetched first.
  std::chrono::milliseconds container_start_max{600'000};
  /// How long after its function a container may take to be gone.
  std::chrono::milliseconds container_end_max{30'000};
  /// The node stops: what is stopped then was not cancelled.
  std::stop_token stopping;
  /// Children without a lane, at most.
  std::size_t idle_children_max = 64;
};

class lane_host_state {
public:
  static constexpr const char* name = "lane_host";

  explicit lane_host_state(caf::io::broker* self) : self_(self) {}
  ~lane_host_state() { door_->close(); }
  lane_host_state(const lane_host_state&) = delete;
  lane_host_state& operator=(const lane_host_state&) = delete;

  caf::behavior make_behavior(lane_host_setup setup);

private:
  /// Children may end when the actor system is gone, and a broker may not be sent anything then.
  class door {
  public:
    template <class Function>
    void pass(const Function& through) {
      const std::lock_guard lock(mutex_);
      if (open_)
        through();
    }
    void close() {
      const std::lock_guard lock(mutex_);
      open_ = false;
    }

  private:
    std::mutex mutex_;
    bool open_ = true;
  };
  using clock = std::chrono::steady_clock;
  using child_id = std::uint64_t;

  struct lane {
    core::slot_id slot;
    /// Of a lane, or of one task whose function is called in a warm child.
    attempt_order order;
    /// What its child can call.
    std::shared_ptr<const core::call_plan> plan;
    /// The task's function among them.
    std::uint32_t function = 0;
    std::shared_ptr<run_files> files;
    std::vector<std::uint32_t> gpus;
    /// The agent of this node, which is told when the slot is free.
    caf::strong_actor_ptr agent;
    child_id child = 0;
    /// The hub, once it has spoken.
    lane_follower hub;
    bool yielding = false;
    clock::time_point since;
    core::phase_times phases;
    core::isolation isolation;

    [[nodiscard]] bool is_task() const { return order.task != core::lane_task; }
  };
  /// The functions of a run that one kind of warm child can call, and where each is found.
  struct task_functions {
    std::shared_ptr<core::call_plan> plan = std::make_shared<core::call_plan>();
    std::map<std::string, std::uint32_t> places;
  };
  struct warm_child {
    core::run_id run;
    std::shared_ptr<const core::call_plan> plan;
    std::vector<std::uint32_t> gpus;
    sandbox::launch_id process = 0;
    core::isolation isolation;
    caf::io::connection_handle stream;
    warm_calls calls;
    core::call_message_reader messages;
    bool ready = false;
    /// Bytes of it have come that are none, so it was killed.
    std::optional<core::error> broken;
    /// Its end of the stream is closed; how it ended.
    bool closed = false;
    std::shared_ptr<sandbox::exit_report> report;
    /// When the last of the two came.
    clock::time_point ended_at;
    /// Of a lane that is over: whom to tell that the slot is free, once this child is gone.
    std::optional<std::pair<caf::strong_actor_ptr, slot_free>> owner;
    std::optional<core::attempt_id> lane;
    /// When its oldest call became the oldest, or when it lost its lane.
    clock::time_point since;
    /// The oldest call took longer than it may.
    bool late = false;
    /// Calls that nobody wants any more, and the one for which it was killed.
    std::set<std::uint32_t> unwanted;
    std::optional<std::uint32_t> stopped;
  };

  void open(open_lane& msg);
  core::result<child_id> start_child(const lane& for_whom);
  [[nodiscard]] core::result<sandbox::launch_request>
  request_for(const lane& x, io::unique_fd socket,
              const std::shared_ptr<const io::unique_fd>& page) const;
  [[nodiscard]] std::optional<child_id> idle_child(const lane& for_whom) const;
  /// Says what the child of `x` must be able to call.
  void choose_plan(lane& x);
  [[nodiscard]] static core::permission_set permissions_of(const lane& x);
  /// The lane has no child and ends before it began.
  void refuse(lane& x, const core::error& why);
  /// Writes to the child what is to be called. Whether it could.
  bool call(warm_child& child, std::string_view message);
  /// The child of a task is ready: its one call goes there.
  void begin_task(lane& x);
  core::result<std::string> call_of_task(const lane& x) const;
  void finish_task(core::attempt_id task, bool returned, std::string_view payload);
  void lose_task(const lane& x, core::error reason);
  void run(const run_calls& msg);
  void stop_one(const stop_call& msg);
  /// Kills a child that is at work on a call that nobody wants.
  void stop_unwanted(warm_child& child);
  /// Whether it did as many calls as it may, or has grown too much.
  [[nodiscard]] static bool is_used_up(const warm_child& child, const core::call_plan& plan);
  void read(const caf::io::new_data_msg& msg);
  bool take(warm_child& child, std::string_view message);
  void became_ready(lane& of);
  void break_child(warm_child& child, core::error why);
  /// The lane has nothing to do any more: its child is kept, or ends.
  void end(core::attempt_id lane, bool keep_child);
  void end_if_done(core::attempt_id lane);
  /// The lane takes no more calls.
  void yield(lane& x);
  /// Whether the child may not do all calls of a message any more.
  [[nodiscard]] static bool exceeds(const warm_child& child, const core::call_plan& plan,
                                    std::string_view message);
  void free_slot(warm_child& child);
  /// A lane of the hub is over.
  void forget_hub(const lane_follower& hub);
  void stop(core::attempt_id lane);
  void close_run(core::run_id run);
  void child_gone(child_id id);
  /// By somebody else than this node or a function.
  [[nodiscard]] static bool was_killed(const warm_child& child);
  [[nodiscard]] core::error reason_of(const warm_child& child, const core::call_plan& plan) const;
  void tell_over(const lane& x, lane_over news);
  void hub_gone(const caf::actor_addr& hub);
  /// Of a child only the end of its stream or of its tree has been heard of, for too long.
  void end_half_gone(child_id id);
  void look_around();
  void tick_later();
  static const core::call_plan& plan_of(const lane& x) { return *x.plan; }

  caf::io::broker* self_;
  /// Closed with this.
  const std::shared_ptr<door> door_ = std::make_shared<door>();
  lane_host_setup setup_;
  std::map<core::attempt_id, lane> lanes_;
  /// By run and by all that its tasks have in common who can share a child.
  std::map<std::pair<core::run_id, std::string>, task_functions> task_functions_;
  std::map<child_id, warm_child> children_;
  std::map<caf::io::connection_handle, child_id> by_stream_;
  child_id last_child_ = 0;
  bool tick_due_ = false;
};

/// Cooperative, in CAF's I/O thread, which also watches the streams of the children: what comes from a hub goes on to the
/// child without another thread, and back. Owns the lanes and warm children of a node.
caf::behavior lane_host(caf::stateful_actor<lane_host_state, caf::io::broker>* self,
                        lane_host_setup setup);

} // namespace maze::actors
