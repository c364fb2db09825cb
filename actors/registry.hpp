#pragma once

#include "maze/actors/protocol/registry_actor.hpp"

#include <map>

namespace maze::actors {

class registry_state {
public:
  static constexpr const char* name = "registry";

  registry_state() = default;

  registry_actor::behavior_type make_behavior();

private:
  std::map<core::run_id, run_bundle_ptr> runs_;
};

/// Cooperative: keeps what may run.
registry_actor::behavior_type registry(registry_actor::stateful_pointer<registry_state> self);

} // namespace maze::actors
