#pragma once

#include "maze/actors/protocol/scheduler_actor.hpp"

#include <caf/stateful_actor.hpp>

#include <map>
#include <optional>
#include <unordered_map>
#include <variant>

namespace maze::actors {

class scheduler_state {
public:
  static constexpr const char* name = "scheduler";

  explicit scheduler_state(scheduler_actor::stateful_pointer<scheduler_state> self) : self_(self) {}

  scheduler_actor::behavior_type make_behavior(core::scheduler::options settings);

private:
  struct sent {
    core::node_id node;
    /// Whether its run took it back since.
    bool stopped = false;
  };
  /// The order of an attempt that waits here, or where it was sent to.
  using place = std::variant<attempt_order, sent>;

  void offer(offer_tasks& msg);
  void stop(const stop_attempts& msg);
  void take_back(attempt_refused& msg);
  void lose(core::node_id node);
  void perform(const core::scheduling_actions& todo);

  scheduler_actor::stateful_pointer<scheduler_state> self_;
  std::optional<core::scheduler> logic_;
  std::map<core::node_id, node_agent_actor> agents_;
  std::map<core::attempt_id, place> attempts_;
  /// Of every live run: they hear of lost nodes from here, after what was assigned there.
  std::map<core::run_id, dag_context_actor> contexts_;
};

/// Cooperative: asks `core::scheduler` and sends attempts to node agents, many in one message.
scheduler_actor::behavior_type scheduler(scheduler_actor::stateful_pointer<scheduler_state> self,
                                         core::scheduler::options settings);

} // namespace maze::actors
