#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace maze::core {

/// A number that names one kind of thing. Ids of different kinds do not mix.
template <class Tag>
struct id {
  std::uint64_t value = 0;

  friend auto operator<=>(const id&, const id&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, id& x) {
    return f(x.value);
  }
};

/// One execution of a workflow.
using run_id = id<struct run_tag>;
/// A task of a run: its position in the run's graph, 0 to task count - 1.
using task_id = id<struct task_tag>;
/// A `maze-node` process that may come back under the same id after a restart.
using node_id = id<struct node_tag>;
/// What one incarnation of a node and the master say to each other; never used again.
using session_id = id<struct session_tag>;
/// A slot of a node that runs one attempt at a time.
using slot_id = id<struct slot_tag>;
/// A slot of a node, with one warm child, through which the calls of one run stream; never used again.
using lane_id = id<struct lane_tag>;

/// One try of a task, and its fencing token: whoever holds an older token of a task is refused.
/// `epoch` counts the starts of the master, `counter` the attempts of one epoch; both start at 1.
struct attempt_id {
  std::uint64_t epoch = 0;
  std::uint64_t counter = 0;

  friend auto operator<=>(const attempt_id&, const attempt_id&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_id& x) {
    return f(x.epoch, x.counter);
  }
};

} // namespace maze::core

template <class Tag>
struct std::hash<maze::core::id<Tag>> {
  std::size_t operator()(maze::core::id<Tag> x) const noexcept {
    return std::hash<std::uint64_t>{}(x.value);
  }
};
