#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/shared_messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <vector>

namespace maze::actors {

/// Asks for everybody who needs or has blobs.
struct list_needy {
  template <class Inspector>
  friend auto inspect(Inspector& f, list_needy&) {
    return f();
  }
};

struct needy {
  /// Of every run that is known.
  std::vector<dag_context_actor> contexts;
  std::vector<node_agent_actor> nodes;

  template <class Inspector>
  friend auto inspect(Inspector& f, needy& x) {
    return f(x.contexts, x.nodes);
  }
};

/// Who knows all runs and nodes.
using needy_source = interface<needy(list_needy)>;

/// What went from the master's store, and what will once nobody touches it any more.
struct reclaimed {
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
  std::uint64_t later_blobs = 0;
  std::uint64_t later_bytes = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, reclaimed& x) {
    return f(x.blobs, x.bytes, x.later_blobs, x.later_bytes);
  }
};

/// These runs were forgotten: their logs may go, and the blobs that only they needed.
struct reclaim_runs {
  std::vector<core::run_id> runs;
  /// Theirs; they end when they have said which blobs they needed.
  std::vector<dag_context_actor> contexts;
  /// Whether every other blob of the store is looked at as well.
  bool everything = false;
  needy_source source;
};

/// The same when there is time; nobody waits for it.
struct reclaim_later {
  reclaim_runs what;
};

/// The moment for another round.
struct reclaim_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, reclaim_tick&) {
    return f();
  }
};

/// The RECLAIMER of a master: frees what forgotten runs have left, here and on every node.
using reclaimer_actor = interface<reclaimed(reclaim_runs), void(reclaim_later), void(reclaim_tick)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::reclaim_runs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::reclaim_later)

// clang-format off
#define MAZE_RECLAIMER_MESSAGES(each) \
  each(maze::actors::list_needy)      \
  each(maze::actors::needy)           \
  each(maze::actors::reclaimed)       \
  each(maze::actors::reclaim_runs)    \
  each(maze::actors::reclaim_later)   \
  each(maze::actors::reclaim_tick)
// clang-format on
MAZE_RECLAIMER_MESSAGES(MAZE_DECLARE_MESSAGE)
