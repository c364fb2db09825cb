#pragma once

#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace maze::core {

/// A function that the calls of a run may name, by its position in the plan.
struct call_function {
  /// For people: errors and logs. Empty: see `shown_name`.
  std::string name;
  /// A `function_action` or a `python_action` that is no file: calls have no files.
  task_action action;

  /// The name, or `default_task_name` of the action.
  [[nodiscard]] std::string shown_name() const;

  friend bool operator==(const call_function&, const call_function&) = default;
};

/// What all calls of a run have in common. Calls are tasks without files, name and place in a graph, which a client
/// hands in by the thousand while the run goes on.
struct call_plan {
  /// All of task libraries, or all Python: one child must be able to call every one of them.
  std::vector<call_function> functions;
  /// What a lane takes of its node.
  resources needs{.cpu_millis = 1000, .memory = {}, .gpus = 0};
  /// What the nodes of its lanes must be labelled with.
  node_labels labels{};
  /// Of the children. Limits of time hold for a child, not for a call.
  sandbox_spec sandbox;
  /// Attempts after the first that failed, of each call.
  std::uint32_t retries = 0;
  /// -20 (last) to 20 (first), of the lanes.
  std::int32_t priority = 0;
  /// Whether a child is kept for the next call, and whether calls are made in copies of it.
  child_use child = child_use::warm;
  /// Calls after which a child is replaced; 0: never.
  std::uint32_t child_calls_max = 0;
  /// Memory in use after a call, shared pages included, beyond which a child is replaced; none: it may grow as it likes.
  byte_count child_memory_max;
  /// Lanes with a child that are kept ready from the beginning, calls or not, as far as nodes have room.
  std::uint32_t lanes_min = 0;
  /// Whether calls and their ends are on disk before the client hears of them. Off for what can be done again: the end
  /// of the master is the end of the run then.
  bool durable = true;

  /// Calls that one child may do; 0: any number.
  [[nodiscard]] std::uint32_t calls_of_child() const noexcept {
    return child == child_use::fresh ? 1 : child_calls_max;
  }
  [[nodiscard]] bool is_python() const noexcept {
    return !functions.empty() && std::holds_alternative<python_action>(functions.front().action);
  }

  friend bool operator==(const call_plan&, const call_plan&) = default;
};

/// Functions of one plan, at most.
constexpr std::size_t call_functions_max = 4096;
/// `call_plan::lanes_min`, at most.
constexpr std::uint32_t call_lanes_max = 1024;

/// Whether the plan can be carried out: names, actions of one kind, ranges. Fails with `invalid_argument` naming the
/// function and the remedy.
result<void> check_call_plan(const call_plan& plan);

} // namespace maze::core
