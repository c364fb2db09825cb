#pragma once

#include "maze/actors/admission.hpp"
#include "maze/actors/node_link.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/node_gate_actor.hpp"

#include <caf/stateful_actor.hpp>

#include <functional>
#include <map>
#include <string>

namespace maze::actors {

struct node_gate_setup {
  master_actor master;
  /// The connections that worker nodes came in by.
  std::shared_ptr<const admission_book> admissions;
  /// Spawns the link of a node.
  std::function<node_link_actor(const core::node_application& who)> spawn_link;
  /// How long the master may take to make an admission durable.
  std::chrono::milliseconds join_timeout{10'000};
  core::duration lease = std::chrono::seconds(5);
  /// How long a node may take to hear that it shall end.
  std::chrono::milliseconds end_timeout{5000};
};

class node_gate_state {
public:
  static constexpr const char* name = "node_gate";

  explicit node_gate_state(local_gate_actor::stateful_pointer<node_gate_state> self)
      : self_(self) {}

  local_gate_actor::behavior_type make_behavior(node_gate_setup setup);

private:
  struct known_node {
    core::session_id session;
    node_link_actor link;
    std::string blobs;
    std::string name;
    /// Null while the node is not connected.
    node_peer uplink;
  };

  caf::result<node_admitted> join(join_node msg);
  caf::result<bool> end_all();
  node_admitted admit(const join_node& msg, const node_admission& as, const node_link_actor& fresh);
  /// Tells the nodes where the others serve blobs.
  void introduce(core::node_id newcomer);

  local_gate_actor::stateful_pointer<node_gate_state> self_;
  node_gate_setup setup_;
  std::map<core::node_id, known_node> nodes_;
};

/// Cooperative: has the master admit nodes and gives each its end of a link.
local_gate_actor::behavior_type node_gate(local_gate_actor::stateful_pointer<node_gate_state> self,
                                          node_gate_setup setup);

} // namespace maze::actors
