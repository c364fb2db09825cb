#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/lane_actor.hpp"
#include "maze/actors/protocol/log_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/cluster.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/link_frame.hpp"
#include "maze/core/session_ticket.hpp"

#include <string>

namespace maze::actors {

/// The cluster ends, or the node shall: its process comes to its end.
struct end_node {
  template <class Inspector>
  friend auto inspect(Inspector& f, end_node&) {
    return f();
  }
};

/// The node goes: what it was given is to be run elsewhere.
struct node_leaves {
  template <class Inspector>
  friend auto inspect(Inspector& f, node_leaves&) {
    return f();
  }
};

/// A worker node's end of a link as the master knows it.
using node_peer = interface<void(core::link_frame), log_piece(read_log), node_load(ask_load),
                            // The reply says that it was heard.
                            bool(end_node)>;
/// The master's end of a link as the node knows it.
using master_peer = interface<void(core::link_frame), void(lane_ready),
                              // The reply says that it was heard.
                              bool(node_leaves)>;

/// A worker node asks to be taken in, or comes back over a new connection.
struct join_node {
  core::node_application who;
  /// Where the node serves blobs, `unix:/path` or `tcp:host:port`.
  std::string blobs;
  node_peer uplink;
  /// Of the connection, as the hello of the master gave it.
  core::session_ticket ticket{};

  template <class Inspector>
  friend auto inspect(Inspector& f, join_node& x) {
    return f(x.who, x.blobs, x.uplink, x.ticket);
  }
};

/// The node is a member, durably.
struct node_admitted {
  core::node_id node;
  /// The same as before where the node only came back over a new connection.
  core::session_id session;
  master_peer link;
  /// The master's; the node's is not shorter.
  core::duration lease = std::chrono::seconds(5);

  template <class Inspector>
  friend auto inspect(Inspector& f, node_admitted& x) {
    return f(x.node, x.session, x.link, x.lease);
  }
};

/// The NODE GATE: the one actor of the master that worker nodes are given when they connect.
using node_gate_actor = interface<
    // Fails with `stale` for an incarnation that was expelled, with `already_exists` while another
    // process of that name is connected, with `permission_denied` without the ticket of a worker of that name, and with
    // `invalid_argument` for a bad name, label or amount.
    node_admitted(join_node)>;

/// The NODE GATE as its own node knows it.
using local_gate_actor = node_gate_actor::extend<
    // Every member is told to end; the reply comes when each has heard it or is out of reach.
    caf::replies_to<end_node>::with<bool>>;

} // namespace maze::actors

// clang-format off
#define MAZE_NODE_GATE_MESSAGES(each) \
  each(maze::actors::end_node)        \
  each(maze::actors::node_leaves)     \
  each(maze::actors::join_node)       \
  each(maze::actors::node_admitted)
// clang-format on
MAZE_NODE_GATE_MESSAGES(MAZE_DECLARE_MESSAGE)
