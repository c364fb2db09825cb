#pragma once

#include "maze/core/file_history.hpp"
#include "maze/core/graph_run.hpp"

#include <queue>
#include <set>
#include <unordered_map>

namespace maze::core {

/// The books of one run, and the moves that keep them balanced; `graph_run` turns events into moves.
///
/// What every task has lies in flat arrays (49 bytes, and 4 an attempt); what few have, in maps.
/// @note Internal to `graph_run`: use that.
struct graph_run_books {
  /// Failures so far: what counts against `retries`, and what does not.
  struct failure_counts {
    std::uint32_t charged = 0;
    std::uint32_t free = 0;
  };
  /// Where an offered attempt is, once the scheduler said so.
  using place = std::optional<node_id>;

  graph_run_books(std::shared_ptr<const graph> graph_of_run, graph_run::options chosen);

  // --- tokens -------------------------------------------------------------------------------------

  /// The task whose attempt is out under this token.
  [[nodiscard]] std::optional<task_id> holder(attempt_id attempt) const noexcept;
  /// The same, and counts a token that nothing holds.
  std::optional<task_id> current(attempt_id attempt) noexcept;
  /// Whether a publication under this token was accepted.
  [[nodiscard]] bool accepted(attempt_id attempt) const noexcept;
  [[nodiscard]] tl::unexpected<error> stale(attempt_id attempt) const;

  // --- moves --------------------------------------------------------------------------------------

  void move(task_id task, task_state to) noexcept;
  void move_to_running(task_id task) noexcept;
  void enter(run_step& step, run_state to);
  /// All dependencies of `task` completed: it waits for a place in the window, or fails with
  /// `file_conflict`.
  void make_ready(run_step& step, task_id task);
  /// Leaves of `files.removed` only what `task` declared. Fails as `check_file_map` does.
  [[nodiscard]] result<void> keep_declared(task_id task, manifest_delta& changed) const;
  void complete(run_step& step, task_id task, std::string output, manifest_delta changed);
  /// The current attempt is gone: another one later, or the task ends.
  void attempt_lost(run_step& step, task_id task, error reason, instant now);
  void cancel_all(run_step& step, error reason);
  void cancel_one(run_step& step, task_id task, error reason);
  /// Lets those go whose wait for the next attempt is over.
  void end_waits(run_step& step, instant now);
  /// Fills the window, asks to be woken, ends the run: the last move of every event.
  void settle(run_step& step);

  /// The token that is out, or was accepted.
  [[nodiscard]] attempt_id attempt_of(task_id task) const noexcept;
  [[nodiscard]] std::vector<task_id> tasks_on(node_id node) const;
  [[nodiscard]] file_history::horizon seen_by(task_id task) const;
  void check_invariants() const;

  std::shared_ptr<const graph> tasks;
  graph_run::options options;
  run_state state = run_state::accepted;
  std::array<std::size_t, 9> counts{};
  std::uint64_t stale_refused = 0;
  /// Of the run's calls, once they are over.
  bool calls_failed = false;

  // One entry a task.
  std::vector<task_state> states;
  /// Dependencies that have not completed.
  std::vector<std::uint32_t> missing;
  std::vector<std::uint32_t> attempts;
  /// Place in the graph's order.
  std::vector<std::uint32_t> position;
  /// Position in `minted` + 1 of the attempt that is out or was accepted; 0: none.
  std::vector<std::uint32_t> token;
  std::vector<std::string> outputs;

  /// The task of each token, in the order of minting.
  std::vector<std::uint32_t> minted;
  /// Ready and not offered: the smallest first; priority in the upper half, position in the lower.
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> ready;
  /// The window.
  std::unordered_map<std::uint32_t, place> offered;
  /// Waiting for the moment of their next attempt.
  std::set<std::pair<instant, std::uint32_t>> delayed;
  std::optional<instant> wake;
  std::unordered_map<std::uint32_t, failure_counts> failures;
  /// Shared among all tasks that one failure cancelled.
  std::unordered_map<std::uint32_t, std::shared_ptr<const error>> reasons;
  file_history files;
  /// What each task sees, and once it completed, what its successors see of it.
  std::unordered_map<std::uint32_t, file_history::horizon> seen;

private:
  [[nodiscard]] std::uint64_t counter_of(std::uint32_t index) const noexcept {
    return options.first_token + index;
  }
  [[nodiscard]] std::optional<std::uint32_t> index_of(attempt_id attempt) const noexcept;
  [[nodiscard]] result<void> look(task_id task);
  void queue(task_id task);
  /// Takes a task out of those that are ready or wait for their next attempt.
  void unqueue(task_id task);
  void offer(run_step& step, task_id task);
  /// Whether the failure leaves the task another attempt; counts it.
  bool charge(task_id task, const error& reason);
  void end(run_step& step, task_id task, task_state to, std::shared_ptr<const error> reason);
  void cancel_successors(run_step& step, task_id failed);
  void check_task(task_id task) const;

  file_history::horizon judged_;
  std::optional<error> verdict_;
};

} // namespace maze::core
