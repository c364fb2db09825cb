#pragma once

#include "maze/core/scheduler.hpp"

#include <map>
#include <set>

namespace maze::sim {

/// The rules of the scheduler in the plainest form, looking at every task and every node for each
/// decision. It sends nothing ahead, is never refused and reserves nothing.
class scheduler_reference {
public:
  core::scheduling_actions submit(const std::vector<core::ready_task>& tasks);
  core::scheduling_actions node_joined(core::node_id node, const core::resources& total,
                                       const core::sandbox_offer& offers,
                                       const core::node_labels& labels);
  core::scheduling_actions node_lost(core::node_id node);
  core::scheduling_actions node_drained(core::node_id node);
  core::scheduling_actions attempts_ended(const std::vector<core::attempt_id>& attempts);

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  [[nodiscard]] std::size_t active() const;
  [[nodiscard]] std::vector<core::attempt_id> known() const;

private:
  struct node {
    core::resources total;
    core::sandbox_offer offers{};
    core::node_labels labels{};
    bool alive = true;
    std::map<core::attempt_id, core::resources> held;

    [[nodiscard]] core::resources free() const;
  };

  core::scheduling_actions decide();
  void reject_impossible(core::scheduling_actions& out);
  [[nodiscard]] bool possible(const core::ready_task& task) const;
  [[nodiscard]] std::map<core::node_id, node>::iterator best(const core::ready_task& task);

  std::vector<core::ready_task> waiting_;
  /// Drained nodes stand apart: they only keep what they hold.
  std::map<core::node_id, node> nodes_;
  std::map<core::node_id, node> drained_;
};

/// Plays one drawn history to the scheduler and to the reference and throws `broken_rule` where they
/// decide differently.
void compare_with_reference(std::uint64_t seed);

} // namespace maze::sim
