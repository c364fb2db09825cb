#pragma once

#include "maze/core/graph_run.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/isolation.hpp"
#include "maze/core/phase_times.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace maze::core {

/// Where and when the attempts of a run were: for people, nothing is decided by it.
/// @note 40 bytes a task, 104 more once the first attempt has ended, and 200 for each attempt but a
/// task's last.
class run_trace {
public:
  struct stay {
    /// Which attempt; 0: none went anywhere yet.
    std::uint32_t number = 0;
    /// Why it ended badly, if it did.
    errc reason = errc::none;
    node_id node;
    /// Zero: did not happen.
    instant placed{};
    instant began{};
    instant ended{};
  };
  /// What its node told of an attempt when it had ended.
  struct account {
    phase_times phases;
    core::isolation isolation;

    friend bool operator==(const account&, const account&) = default;
  };
  struct past {
    stay at;
    account told;
  };

  /// One report card, and the tasks whose last attempts had it.
  struct card {
    /// Without what single tasks did with files.
    core::isolation what;
    std::uint64_t tasks = 0;
    /// The first of them.
    task_id first;
  };

  explicit run_trace(std::size_t tasks) : last_(tasks) {}

  /// The attempt `number` of `task`, 1 for the first, went to a node.
  void placed(task_id task, std::uint32_t number, node_id node, instant now) {
    stay& at = last_[task.value];
    if (at.number != 0 && at.number != number)
      earlier_[{task, at.number}] = {at, told(task)};
    at = {.number = number, .node = node, .placed = now};
    if (!told_.empty())
      told_[task.value] = {};
  }
  void began(task_id task, instant now) {
    if (stay& at = last_[task.value]; at.began == instant{})
      at.began = now;
  }
  void ended(task_id task, instant now, errc reason) {
    if (stay& at = last_[task.value]; at.number != 0 && at.ended == instant{}) {
      at.ended = now;
      at.reason = reason;
    }
  }

  /// Of the attempt that is the task's last one.
  void told(task_id task, const account& what) {
    told_.resize(last_.size());
    told_[task.value] = what;
  }
  [[nodiscard]] account told(task_id task) const {
    return told_.empty() ? account{} : told_[task.value];
  }

  /// The cards that there were, of tasks whose last attempt began; by level and fences.
  [[nodiscard]] std::vector<card> cards() const {
    std::map<std::pair<sandbox_level, std::uint16_t>, card> found;
    for (std::uint64_t i = 0; i < told_.size(); ++i)
      if (const isolation& each = told_[i].isolation; each.began) {
        card& one = found[{each.requested, each.fences}];
        if (one.tasks++ == 0)
          one = {{.requested = each.requested, .fences = each.fences, .began = true}, 1, {i}};
      }
    std::vector<card> out;
    for (auto& [key, one] : found)
      out.push_back(std::move(one));
    return out;
  }

  /// The last attempt of a task.
  [[nodiscard]] const stay& last(task_id task) const noexcept { return last_[task.value]; }
  /// Those before it, in order: at most the `count` latest.
  [[nodiscard]] std::vector<past> earlier(task_id task, std::size_t count) const {
    std::vector<past> out;
    for (auto at = earlier_.upper_bound({task, last(task).number});
         at != earlier_.begin() && out.size() < count && (--at)->first.first == task;)
      out.push_back(at->second);
    std::reverse(out.begin(), out.end());
    return out;
  }
  /// Where an attempt was; nothing for one that never went anywhere.
  [[nodiscard]] std::optional<node_id> node_of(task_id task, std::uint32_t number) const {
    if (const auto found = earlier_.find({task, number}); found != earlier_.end())
      return found->second.at.node;
    if (number != 0 && last(task).number == number)
      return last(task).node;
    return std::nullopt;
  }

private:
  std::vector<stay> last_;
  std::vector<account> told_;
  std::map<std::pair<task_id, std::uint32_t>, past> earlier_;
};

} // namespace maze::core
