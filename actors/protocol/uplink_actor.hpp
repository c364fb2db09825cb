#pragma once

#include "maze/actors/protocol/node_link_actor.hpp"
#include "maze/actors/protocol/registry_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/actors/transport.hpp"
#include "maze/core/result.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>

namespace maze::actors {

/// The agent that works for the master from now on.
struct serve_agent {
  local_agent_actor agent;

  template <class Inspector>
  friend auto inspect(Inspector& f, serve_agent& x) {
    return f(x.agent);
  }
};

/// What came of dialling the master.
struct dialled {
  /// The number of the attempt.
  std::uint64_t connection = 0;
  std::shared_ptr<core::result<authenticated_socket>> socket;
};

/// CAF is done with the end of the last connection.
struct connection_settled {
  template <class Inspector>
  friend auto inspect(Inspector& f, connection_settled&) {
    return f();
  }
};

/// Time to dial again.
struct dial_again {
  template <class Inspector>
  friend auto inspect(Inspector& f, dial_again&) {
    return f();
  }
};

/// Whether the node is a member now, and if not, why.
struct uplink_status {
  bool connected = false;
  core::node_id node;
  core::error last_failure;

  template <class Inspector>
  friend auto inspect(Inspector& f, uplink_status& x) {
    return f(x.connected, x.node, x.last_failure);
  }
};

struct ask_uplink {
  template <class Inspector>
  friend auto inspect(Inspector& f, ask_uplink&) {
    return f();
  }
};

/// The node's process is about to end.
struct leave_cluster {
  template <class Inspector>
  friend auto inspect(Inspector& f, leave_cluster&) {
    return f();
  }
};

/// An UPLINK: the one actor of a worker node that speaks with the master; stands in for the
/// scheduler, the registry and every DAGContext.
using uplink_actor =
    interface<void(core::link_frame), void(attempt_entered), void(publish_attempt),
              void(attempt_lost), void(lane_ready), void(attempts_ended), void(attempt_refused),
              run_bundle_ptr(find_run), void(serve_agent), void(dialled), void(connection_settled),
              void(dial_again), void(link_tick), void(flush_link), uplink_status(ask_uplink),
              log_piece(read_log), node_load(ask_load), bool(end_node),
              // The reply comes when the master has heard it or is out of reach.
              bool(leave_cluster)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::dialled)

// clang-format off
#define MAZE_UPLINK_MESSAGES(each)       \
  each(maze::actors::serve_agent)        \
  each(maze::actors::dialled)            \
  each(maze::actors::connection_settled) \
  each(maze::actors::dial_again)         \
  each(maze::actors::uplink_status)      \
  each(maze::actors::ask_uplink)         \
  each(maze::actors::leave_cluster)
// clang-format on
MAZE_UPLINK_MESSAGES(MAZE_DECLARE_MESSAGE)
