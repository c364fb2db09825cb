#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/log_actor.hpp"
#include "maze/actors/protocol/registry_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/attempt_order.hpp"
#include "maze/core/cluster_messages.hpp"

#include <chrono>
#include <vector>

namespace maze::actors {

/// An order inside one process: who is told travels with it.
struct attempt_order : core::attempt_order {
  attempt_follower context;
  /// When the node's agent had it.
  std::chrono::steady_clock::time_point arrived{};
  /// How long its content took to come.
  core::duration fetch{};

  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_order& x) {
    return f(static_cast<core::attempt_order&>(x), x.context);
  }
};

struct run_attempts {
  std::vector<attempt_order> orders;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_attempts& x) {
    return f(x.orders);
  }
};

struct stop_attempts {
  std::vector<core::attempt_id> attempts;

  template <class Inspector>
  friend auto inspect(Inspector& f, stop_attempts& x) {
    return f(x.attempts);
  }
};

/// A worker is done with its attempt, whatever came of it.
struct slot_free {
  core::slot_id slot;
  core::attempt_id attempt;

  template <class Inspector>
  friend auto inspect(Inspector& f, slot_free& x) {
    return f(x.slot, x.attempt);
  }
};

/// A lined-up attempt that was recalled before it began.
struct attempt_returned {
  core::slot_id slot;
  attempt_order order;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_returned& x) {
    return f(x.slot, x.order);
  }
};

/// The run ended: its trees, views and cached values may go.
struct close_run {
  core::run_id run;

  template <class Inspector>
  friend auto inspect(Inspector& f, close_run& x) {
    return f(x.run);
  }
};

/// Take no new attempts.
struct drain_node {
  /// Whether what runs is stopped, or may come to its end.
  bool stop_running = true;

  template <class Inspector>
  friend auto inspect(Inspector& f, drain_node& x) {
    return f(x.stop_running);
  }
};

/// How busy a node is.
struct ask_load {
  template <class Inspector>
  friend auto inspect(Inspector& f, ask_load&) {
    return f();
  }
};

/// Time for the agent to look after those that are lined up.
struct line_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, line_tick&) {
    return f();
  }
};

/// Time for the agent to say what is long on its way.
struct fetch_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, fetch_tick&) {
    return f();
  }
};

/// The node is not the master's any more: stop everything, forget every run.
struct abandon_attempts {
  template <class Inspector>
  friend auto inspect(Inspector& f, abandon_attempts&) {
    return f();
  }
};

struct node_load {
  core::resources free;
  /// Attempts that run, and those that wait here.
  std::uint64_t running = 0;
  std::uint64_t waiting = 0;
  bool draining = false;
  /// What its owner calls it by: `--label`.
  std::map<std::string, std::string> labels;
  /// Bytes of content that came to the node and went from it since it started.
  std::uint64_t received = 0;
  std::uint64_t sent = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_load& x) {
    return f(x.free, x.running, x.waiting, x.draining, x.labels, x.received, x.sent);
  }
};

/// A NODE AGENT as the master's actors know it: a node that runs attempts.
using node_agent_actor =
    interface<void(run_attempts), void(stop_attempts), void(close_run),
              // The reply comes when no child lives any more.
              bool(drain_node), node_load(ask_load),
              // What an attempt prints or printed here; `not_found` where nothing is kept of it.
              log_piece(read_log),
              // Logs of forgotten runs, and blobs that no run needs, may go.
              void(core::drop_data)>;

/// A NODE AGENT as its own node knows it: owns the slots and workers.
using local_agent_actor = node_agent_actor::extend<
    caf::reacts_to<slot_free>, caf::reacts_to<attempt_returned>, caf::reacts_to<line_tick>,
    caf::reacts_to<fetch_tick>,
    // The reply comes when nothing runs any more; the agent goes on with whatever comes then.
    caf::replies_to<abandon_attempts>::with<bool>>;

} // namespace maze::actors

// clang-format off
#define MAZE_NODE_AGENT_MESSAGES(each) \
  each(maze::core::drop_data)          \
  each(maze::actors::run_attempts)     \
  each(maze::actors::stop_attempts)    \
  each(maze::actors::slot_free)        \
  each(maze::actors::attempt_returned) \
  each(maze::actors::close_run)        \
  each(maze::actors::drain_node)       \
  each(maze::actors::ask_load)         \
  each(maze::actors::line_tick)        \
  each(maze::actors::fetch_tick)       \
  each(maze::actors::abandon_attempts) \
  each(maze::actors::node_load)
// clang-format on
MAZE_NODE_AGENT_MESSAGES(MAZE_DECLARE_MESSAGE)
