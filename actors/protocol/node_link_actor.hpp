#pragma once

#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/protocol/node_gate_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/cluster_messages.hpp"

#include <string>

namespace maze::actors {

/// The session of a link has its number; what was asked of the node before goes out now.
struct open_link {
  core::node_id node;
  core::session_id session;

  template <class Inspector>
  friend auto inspect(Inspector& f, open_link& x) {
    return f(x.node, x.session);
  }
};

/// The node speaks over a new connection.
struct attach_uplink {
  node_peer uplink;

  template <class Inspector>
  friend auto inspect(Inspector& f, attach_uplink& x) {
    return f(x.uplink);
  }
};

/// Where other nodes serve blobs.
struct tell_holders {
  std::vector<core::holder> holders;

  template <class Inspector>
  friend auto inspect(Inspector& f, tell_holders& x) {
    return f(x.holders);
  }
};

/// The moment that a link's twin asked to be woken at.
struct link_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, link_tick&) {
    return f();
  }
};

/// What was queued for the other end goes out.
struct flush_link {
  template <class Inspector>
  friend auto inspect(Inspector& f, flush_link&) {
    return f();
  }
};

/// The session is over for so long that nothing late is expected any more.
struct forget_link {
  template <class Inspector>
  friend auto inspect(Inspector& f, forget_link&) {
    return f();
  }
};

/// A NODE LINK: stands in for the agent of a node elsewhere, one for each session.
using node_link_actor = node_agent_actor::extend<
    caf::reacts_to<open_link>, caf::reacts_to<attach_uplink>, caf::reacts_to<tell_holders>,
    caf::reacts_to<core::link_frame>, caf::reacts_to<link_tick>, caf::reacts_to<flush_link>,
    caf::replies_to<end_node>::with<bool>, caf::replies_to<node_leaves>::with<bool>,
    caf::reacts_to<lane_ready>, caf::reacts_to<forget_link>>;

} // namespace maze::actors

// clang-format off
#define MAZE_NODE_LINK_MESSAGES(each) \
  each(maze::actors::open_link)       \
  each(maze::actors::attach_uplink)   \
  each(maze::actors::tell_holders)    \
  each(maze::actors::link_tick)       \
  each(maze::actors::flush_link)      \
  each(maze::actors::forget_link)
// clang-format on
MAZE_NODE_LINK_MESSAGES(MAZE_DECLARE_MESSAGE)
