#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// An immutable DAG of tasks. A task depends on every task that it references and on those in `after`.
class graph {
public:
  /// Fails with `already_exists` (a name twice), `not_found` (an unknown name) or `invalid_argument`
  /// (a cycle, printed as `a -> b -> a`).
  static result<graph> build(std::vector<task_spec> tasks);

  [[nodiscard]] std::size_t size() const noexcept { return tasks_.size(); }
  /// @pre task.value < size()
  [[nodiscard]] const task_spec& spec(task_id task) const noexcept { return tasks_[task.value]; }
  [[nodiscard]] std::optional<task_id> find(std::string_view name) const noexcept;
  /// Distinct, ascending.
  [[nodiscard]] std::span<const task_id> dependencies(task_id task) const noexcept;
  /// Distinct, ascending.
  [[nodiscard]] std::span<const task_id> successors(task_id task) const noexcept;
  /// All tasks, each after its dependencies; ties by id.
  [[nodiscard]] std::span<const task_id> order() const noexcept { return order_; }

private:
  graph() = default;
  result<void> index_names();
  result<void> link_dependencies();
  void link_successors();
  /// Leaves out of `order_` what lies on a cycle or behind one.
  void sort();

  std::vector<task_spec> tasks_;
  /// Positions in `tasks_`, by name.
  std::vector<std::uint32_t> by_name_;
  std::vector<std::uint32_t> dependency_begin_;
  std::vector<task_id> dependencies_;
  std::vector<std::uint32_t> successor_begin_;
  std::vector<task_id> successors_;
  std::vector<task_id> order_;
};

/// A cycle among named nodes, first name repeated at the end, or nothing. `edges[i]` lists what node
/// `i` depends on.
std::optional<std::vector<std::size_t>> find_cycle(std::span<const std::vector<std::size_t>> edges);

} // namespace maze::core
