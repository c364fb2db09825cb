#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/error.hpp"
#include "maze/core/ids.hpp"

#include <cstdint>
#include <string>

/// What the hub of a run's calls and the lanes on the nodes say to each other, directly: as much as a frame at a
/// time, and lost with the connection. Then the lane is lost, and its calls go to another one.
namespace maze::actors {

/// A `calls` message for the lane's child; empty: the hub knows of the lane, and calls will come.
struct run_calls {
  core::attempt_id lane;
  std::string bytes;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_calls& x) {
    return f(x.lane, x.bytes);
  }
};

/// Nothing more will come for the lane: it ends. What it holds is wanted by nobody.
struct end_lane {
  core::attempt_id lane;

  template <class Inspector>
  friend auto inspect(Inspector& f, end_lane& x) {
    return f(x.lane);
  }
};

/// Nobody wants this call any more: the child is killed while it is at work on it, unless it answers before.
struct stop_call {
  core::attempt_id lane;
  std::uint32_t call = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, stop_call& x) {
    return f(x.lane, x.call);
  }
};

/// The LANES of a node, as a hub knows them.
using lane_actor = interface<void(run_calls), void(stop_call), void(end_lane)>;

/// The lane has a child that is ready.
struct lane_ready {
  core::run_id run;
  core::attempt_id lane;
  lane_actor host;

  template <class Inspector>
  friend auto inspect(Inspector& f, lane_ready& x) {
    return f(x.run, x.lane, x.host);
  }
};

/// A `replies` message of the lane's child, as it came.
struct lane_replies {
  core::attempt_id lane;
  std::string bytes;

  template <class Inspector>
  friend auto inspect(Inspector& f, lane_replies& x) {
    return f(x.lane, x.bytes);
  }
};

/// The lane takes no more calls.
struct lane_yields {
  core::attempt_id lane;

  template <class Inspector>
  friend auto inspect(Inspector& f, lane_yields& x) {
    return f(x.lane);
  }
};

/// The lane is over. What it had not answered goes elsewhere.
struct lane_over {
  core::attempt_id lane;
  /// `none` for one that ended in good order.
  core::error reason;
  /// The call that was at work, where one was.
  bool has_culprit = false;
  std::uint32_t culprit = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, lane_over& x) {
    return f(x.lane, x.reason, x.has_culprit, x.culprit);
  }
};

/// Who gives a lane its calls.
using lane_follower = interface<void(lane_replies), void(lane_yields), void(lane_over)>;

} // namespace maze::actors

// clang-format off
#define MAZE_LANE_MESSAGES(each)   \
  each(maze::actors::run_calls)    \
  each(maze::actors::stop_call)    \
  each(maze::actors::end_lane)     \
  each(maze::actors::lane_ready)   \
  each(maze::actors::lane_replies) \
  each(maze::actors::lane_yields)  \
  each(maze::actors::lane_over)
// clang-format on
MAZE_LANE_MESSAGES(MAZE_DECLARE_MESSAGE)
