#include "maze/actors/registry.hpp"

#include "maze/actors/errors.hpp"

#include <caf/result.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

namespace maze::actors {

registry_actor::behavior_type registry_state::make_behavior() {
  return {
      [this](const put_run& msg) { runs_.insert_or_assign(msg.bundle->run, msg.bundle); },
      [this](const find_run& msg) -> caf::result<run_bundle_ptr> {
        if (const auto found = runs_.find(msg.run); found != runs_.end())
          return found->second;
        return to_caf({.code = core::errc::not_found,
                       .message = fmt::format("the registry knows no run {:x}", msg.run.value),
                       .origin = "registry"});
      },
      [this](const forget_run& msg) { runs_.erase(msg.run); },
  };
}

registry_actor::behavior_type registry(registry_actor::stateful_pointer<registry_state> self) {
  return self->state.make_behavior();
}

} // namespace maze::actors
