#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/scheduler.hpp"

#include <vector>

namespace maze::actors {

/// A ready task and the order that goes to the node it is placed on.
struct offered_task {
  core::ready_task task;
  attempt_order order;
  /// Hears of its placement and of lost nodes.
  dag_context_actor context;

  template <class Inspector>
  friend auto inspect(Inspector& f, offered_task& x) {
    return f(x.task, x.order, x.context);
  }
};

struct offer_tasks {
  std::vector<offered_task> tasks;

  template <class Inspector>
  friend auto inspect(Inspector& f, offer_tasks& x) {
    return f(x.tasks);
  }
};

struct join_scheduler {
  core::node_id node;
  core::resources total;
  node_agent_actor agent;
  core::sandbox_offer offers{};
  /// With its name: `core::with_name`.
  core::node_labels labels{};

  template <class Inspector>
  friend auto inspect(Inspector& f, join_scheduler& x) {
    return f(x.node, x.total, x.agent, x.offers, x.labels);
  }
};

/// Attempts ended on a node, however.
struct attempts_ended {
  std::vector<core::attempt_id> attempts;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempts_ended& x) {
    return f(x.attempts);
  }
};

/// A node does not take an attempt and gives its order back; `free` is what it really has left.
struct attempt_refused {
  attempt_order order;
  core::resources free;
  /// The node takes nothing at all any more.
  bool draining = false;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_refused& x) {
    return f(x.order, x.free, x.draining);
  }
};

/// What a node has left, said now and then.
struct node_reported {
  core::node_id node;
  core::resources free;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_reported& x) {
    return f(x.node, x.free);
  }
};

/// Nothing more is to be placed on a node.
struct close_node {
  core::node_id node;

  template <class Inspector>
  friend auto inspect(Inspector& f, close_node& x) {
    return f(x.node);
  }
};

/// Who hears from a node agent: the scheduler, or what stands in for it on a node elsewhere.
using slot_listener = interface<void(attempts_ended), void(attempt_refused)>;

/// The SCHEDULER: pairs ready tasks with nodes.
using scheduler_actor = interface<
    // Queues ready tasks; each is later reported to its DAGContext as assigned or lost.
    void(offer_tasks),
    // Takes offers back, or has the attempts stopped where they run.
    void(stop_attempts), void(join_scheduler), void(node_gone), void(attempts_ended),
    void(attempt_refused), void(node_reported), void(close_node),
    // The run ended: nobody of it wants to hear anything more.
    void(close_run)>;

} // namespace maze::actors

// clang-format off
#define MAZE_SCHEDULER_MESSAGES(each) \
  each(maze::actors::offer_tasks)     \
  each(maze::actors::join_scheduler)  \
  each(maze::actors::attempts_ended)  \
  each(maze::actors::attempt_refused) \
  each(maze::actors::node_reported)   \
  each(maze::actors::close_node)
// clang-format on
MAZE_SCHEDULER_MESSAGES(MAZE_DECLARE_MESSAGE)
