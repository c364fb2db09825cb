#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/node_labels.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/core/sandbox_spec.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace maze::core {

/// A ready task as the scheduler sees it.
struct ready_task {
  run_id run;
  task_id task;
  attempt_id attempt;
  resources needs;
  std::int32_t priority = 0;
  /// Bytes of the attempt's files that lie on a node already, for the nodes that have any.
  std::vector<std::pair<node_id, std::uint64_t>> local_bytes;
  /// What its node must offer.
  sandbox_offer sandbox{};
  /// What its node must be labelled with.
  node_labels labels{};

  friend bool operator==(const ready_task&, const ready_task&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, ready_task& x) {
    return f(x.run, x.task, x.attempt, x.needs, x.priority, x.local_bytes, x.sandbox, x.labels);
  }
};

struct assign {
  run_id run;
  task_id task;
  attempt_id attempt;
  node_id node;

  friend bool operator==(const assign&, const assign&) = default;
};
/// No node of the cluster, free or busy, could ever run the task. A node that was lost may come back
/// and counts; one that was drained does not; while no node is known at all, tasks wait.
struct reject {
  run_id run;
  task_id task;
  attempt_id attempt;
  error reason;

  friend bool operator==(const reject&, const reject&) = default;
};
using scheduling_action = std::variant<assign, reject>;
using scheduling_actions = std::vector<scheduling_action>;

/// Pairs ready tasks with nodes: a task runs where its resources fit, its sandbox can be had and its labels are; among those nodes the one with
/// the fewest active attempts wins, then the one that holds most bytes of its files, then the lowest
/// id. Tasks go by priority, then in the order they became ready; one that does not fit now never
/// blocks smaller ones of another shape, and is not passed over for ever (see core/README.md).
///
/// Keeps a book of what each node has left; a node may refuse an attempt, and its word wins.
/// Cost: amortised O(log nodes) a decision whatever number waits.
/// @note Not thread-safe; knows no clock.
class scheduler {
public:
  struct options {
    /// Attempts that a node may hold beyond what fits at once, so that its next child starts without
    /// a round trip.
    std::uint32_t prefetch = 0;
    /// The same for each whole core of a node, where that is more.
    std::uint32_t prefetch_per_core = 0;
    /// How often others may go before the first waiting task until a node is kept free for it.
    std::uint32_t passes_max = 256;
  };

  explicit scheduler(options settings);
  scheduler(scheduler&&) noexcept;
  scheduler& operator=(scheduler&&) noexcept;
  ~scheduler();

  scheduling_actions submit(const ready_task& task);
  scheduling_actions submit(const std::vector<ready_task>& tasks);
  /// A node that was there already starts anew: its attempts are forgotten as if it had been lost.
  /// `labels` are all that tasks can ask for: see `with_name`.
  scheduling_actions node_joined(node_id node, const resources& total,
                                 const sandbox_offer& offers = {}, node_labels labels = {});
  /// Its attempts are forgotten here; the runs offer them again under new tokens.
  scheduling_actions node_lost(node_id node);
  /// No new attempts there from now on; of a lost node: it will not come back.
  scheduling_actions node_drained(node_id node);
  /// What a node says is free there, for example with its heartbeat. What the books cannot explain
  /// counts as in use until the node is heard of again.
  scheduling_actions node_reported(node_id node, const resources& free);
  /// The attempt ended in any way, or its run took it back.
  scheduling_actions attempt_ended(attempt_id attempt);
  scheduling_actions attempts_ended(const std::vector<attempt_id>& attempts);
  /// The node refused the attempt, and `free` is what it has: the attempt waits again at the head of
  /// its queue, and the node gets nothing new until `node_reported` or the end of one of its attempts.
  scheduling_actions refused(attempt_id attempt, const resources& free);

  [[nodiscard]] std::size_t waiting() const noexcept;
  [[nodiscard]] std::size_t active() const noexcept;
  void check_invariants() const;

private:
  struct data;
  std::unique_ptr<data> data_;
};

} // namespace maze::core
