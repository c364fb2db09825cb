#pragma once

#include "maze/core/graph_run.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/phase_times.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace maze::core {

/// Where and when the attempts of a run were: for people, nothing is decided by it.
/// @note 40 bytes a task, 64 more once the first attempt has told its phases, and an entry of a map for each attempt but a task's last.
class run_trace {
public:
  /// The last attempt of a task.
  struct stay {
    /// Which one; 0: none went anywhere yet.
    std::uint32_t number = 0;
    node_id node;
    /// Zero: did not happen.
    instant placed{};
    instant began{};
    instant ended{};
  };

  explicit run_trace(std::size_t tasks) : last_(tasks) {}

  /// The attempt `number` of `task`, 1 for the first, went to a node.
  void placed(task_id task, std::uint32_t number, node_id node, instant now) {
    stay& at = last_[task.value];
    if (at.number != 0 && at.number != number)
      earlier_[{task, at.number}] = at.node;
    at = {.number = number, .node = node, .placed = now};
    if (!phases_.empty())
      phases_[task.value] = {};
  }
  void began(task_id task, instant now) {
    if (stay& at = last_[task.value]; at.began == instant{})
      at.began = now;
  }
  void ended(task_id task, instant now) {
    if (stay& at = last_[task.value]; at.number != 0 && at.ended == instant{})
      at.ended = now;
  }

  /// Of the attempt that is the task's last one.
  void told(task_id task, const phase_times& phases) {
    phases_.resize(last_.size());
    phases_[task.value] = phases;
  }
  [[nodiscard]] phase_times phases(task_id task) const {
    return phases_.empty() ? phase_times{} : phases_[task.value];
  }

  [[nodiscard]] const stay& last(task_id task) const noexcept { return last_[task.value]; }
  /// Where an attempt was; nothing for one that never went anywhere.
  [[nodiscard]] std::optional<node_id> node_of(task_id task, std::uint32_t number) const {
    if (const auto found = earlier_.find({task, number}); found != earlier_.end())
      return found->second;
    if (number != 0 && last(task).number == number)
      return last(task).node;
    return std::nullopt;
  }

private:
  std::vector<stay> last_;
  std::vector<phase_times> phases_;
  std::map<std::pair<task_id, std::uint32_t>, node_id> earlier_;
};

} // namespace maze::core
