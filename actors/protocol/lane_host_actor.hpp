#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/lane_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/sandbox/launcher.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace maze::actors {

/// A lane whose slot is free now.
struct open_lane {
  core::slot_id slot;
  attempt_order order;
  std::shared_ptr<run_files> files;
  /// The node's GPUs that it has to itself, by number from 0.
  std::vector<std::uint32_t> gpus{};
};

/// The lane takes no more calls and ends after those that it began.
struct yield_slot {
  core::attempt_id lane;

  template <class Inspector>
  friend auto inspect(Inspector& f, yield_slot& x) {
    return f(x.lane);
  }
};

/// The whole tree of a warm child is gone.
struct warm_child_ended {
  std::uint64_t child = 0;
  std::shared_ptr<sandbox::exit_report> report;
};

/// Time to look after deadlines and idle children.
struct lane_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, lane_tick&) {
    return f();
  }
};

/// The LANE HOST of a node: owns its lanes and warm children. `stop_child` ends a lane with its child, `close_run` all of
/// a run.
using lane_host_actor =
    lane_actor::extend<caf::reacts_to<open_lane>, caf::reacts_to<yield_slot>,
                       caf::reacts_to<stop_child>, caf::reacts_to<close_run>,
                       caf::reacts_to<warm_child_ended>, caf::reacts_to<lane_tick>>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::open_lane)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::warm_child_ended)

// clang-format off
#define MAZE_LANE_HOST_MESSAGES(each)   \
  each(maze::actors::open_lane)         \
  each(maze::actors::yield_slot)        \
  each(maze::actors::warm_child_ended)  \
  each(maze::actors::lane_tick)
// clang-format on
MAZE_LANE_HOST_MESSAGES(MAZE_DECLARE_MESSAGE)
