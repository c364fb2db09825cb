#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/call_service_actor.hpp"
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/journal_actor.hpp"
#include "maze/actors/protocol/lane_actor.hpp"
#include "maze/actors/shared_messages.hpp"

namespace maze::actors {

/// Time for a hub to look at its lanes.
struct hub_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, hub_tick&) {
    return f();
  }
};

/// Time to make durable what nobody waited for.
struct facts_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, facts_tick&) {
    return f();
  }
};

/// The HUB of a run's calls, as its run, the journal and the lanes know it.
using call_hub_actor = call_service_actor::extend<
    caf::reacts_to<lane_replies>, caf::reacts_to<lane_yields>, caf::reacts_to<lane_over>,
    caf::reacts_to<lane_ready>, caf::reacts_to<attempts_assigned>, caf::reacts_to<attempt_lost>,
    caf::reacts_to<node_gone>, caf::reacts_to<cancel_run>, caf::reacts_to<facts_durable>,
    caf::reacts_to<facts_tick>, caf::reacts_to<hub_tick>>;

} // namespace maze::actors

// clang-format off
#define MAZE_CALL_HUB_MESSAGES(each) \
  each(maze::actors::facts_tick)     \
  each(maze::actors::hub_tick)
// clang-format on
MAZE_CALL_HUB_MESSAGES(MAZE_DECLARE_MESSAGE)
