#pragma once

#include "maze/core/file_rules.hpp"
#include "maze/core/graph.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/retry.hpp"
#include "maze/core/task_state.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace maze::core {

// --- facts: what the journal keeps of a run; a fold over them gives the same state again ----------

/// A task ended: completed with a result and files, or failed, cancelled or timed out with an error.
struct task_ended {
  task_id task;
  task_state state = task_state::completed;
  /// The attempt that ended it; zero where none was out.
  attempt_id attempt;
  /// Encoded output dictionary `{key: value}` of a completed task, else empty.
  std::string output;
  manifest_delta files;
  error reason;

  friend bool operator==(const task_ended&, const task_ended&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, task_ended& x) {
    return f(x.task, x.state, x.attempt, x.output, x.files, x.reason);
  }
};
/// An attempt failed and the task will be tried again.
struct attempt_failed {
  task_id task;
  attempt_id attempt;
  error reason;

  friend bool operator==(const attempt_failed&, const attempt_failed&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_failed& x) {
    return f(x.task, x.attempt, x.reason);
  }
};
struct run_state_changed {
  run_state state = run_state::accepted;

  friend bool operator==(const run_state_changed&, const run_state_changed&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, run_state_changed& x) {
    return f(x.state);
  }
};
using run_fact = std::variant<task_ended, attempt_failed, run_state_changed>;

// --- deeds: what the actor is told to do -----------------------------------------------------------

/// Offer a ready task to the scheduler under a fresh token.
struct offer_task {
  task_id task;
  attempt_id attempt;

  friend bool operator==(const offer_task&, const offer_task&) = default;
};
/// Take an offer back or stop the attempt where it runs, if there is anything left of it.
struct stop_attempt {
  task_id task;
  attempt_id attempt;

  friend bool operator==(const stop_attempt&, const stop_attempt&) = default;
};
/// Wake up this twin with `time_passed` no later than `at`.
struct wake_at {
  instant at{};

  friend bool operator==(const wake_at&, const wake_at&) = default;
};
/// Gated: tell the publisher that its publication was accepted.
struct acknowledge {
  attempt_id attempt;

  friend bool operator==(const acknowledge&, const acknowledge&) = default;
};
/// Gated: tell listeners that a task or the run reached a terminal state.
struct announce_task {
  task_id task;

  friend bool operator==(const announce_task&, const announce_task&) = default;
};
struct announce_run {
  run_state state = run_state::completed;

  friend bool operator==(const announce_run&, const announce_run&) = default;
};
using run_deed =
    std::variant<offer_task, stop_attempt, wake_at, acknowledge, announce_task, announce_run>;

/// Facts to make durable and deeds to do. Deeds marked gated wait for the facts of the same step.
struct run_step {
  std::vector<run_fact> facts;
  std::vector<run_deed> todo;
};

/// What an attempt sees beside the run's snapshot, or why it cannot start.
struct attempt_view {
  /// Published by ancestors, latest content of each path.
  manifest_delta published;
  /// Encoded output dictionaries of the tasks that the attempt's references name, by task name.
  std::map<std::string, std::string> outputs;
};

/// Decides the life of one run: what is ready, running, done, lost, given up; which values and file
/// versions exist; what each attempt may see. Knows no clock, socket or thread: each event comes
/// with the time and gives back a step.
///
/// @note Not thread-safe; one owner (the run's DAGContext, or a simulation).
class graph_run {
public:
  /// Tokens that belong to one run: the lower half to attempts at its tasks, the upper half to its lanes.
  static constexpr std::uint64_t tokens_max = std::uint64_t{1} << 32;

  struct options {
    /// Epoch of the master, for attempt tokens.
    std::uint64_t epoch = 1;
    /// Counter of the first token. Tokens are unique in an epoch, also between runs: the master
    /// gives its n-th run, counted from 0, `n * tokens_max + 1`.
    std::uint64_t first_token = 1;
    /// Ready tasks offered to the scheduler and not yet ended, at most.
    std::uint32_t offered_max = 1024;
    /// Wait between a failure and the next attempt.
    backoff retry_delay;
    /// Lost nodes and crashed workers per task that do not count against its `retries`.
    std::uint32_t free_retries = 3;
    /// For the jitter of retry delays.
    std::uint64_t seed = 1;
    conflict_policy conflicts = conflict_policy::fail;
    /// The run's snapshot, which `conflict_policy::rename` needs to know; may be null.
    std::shared_ptr<const file_map> snapshot = nullptr;
    /// The run has calls beside its tasks: it does not end before `calls_over`.
    bool has_calls = false;
  };

  graph_run(std::shared_ptr<const graph> tasks, options settings);
  graph_run(graph_run&&) noexcept;
  graph_run& operator=(graph_run&&) noexcept;
  ~graph_run();

  /// Starts the run; nothing if it has started.
  run_step start(instant now);
  /// The scheduler placed the attempt on a node / a node began it / it entered a phase. These may
  /// overtake each other and the publication: tokens decide, not the order of arrival.
  run_step attempt_assigned(attempt_id attempt, node_id node, instant now);
  run_step attempt_running(attempt_id attempt, phase at, instant now);
  /// An attempt succeeded and asks for its output (encoded dictionary `{key: value}`) and files to
  /// become visible, together and once. A token that is not the task's current one is refused with
  /// `stale` and counted; a repeated publication of the accepted token is acknowledged again. Of the
  /// removed paths those count that match the task's `deletes`. Files that break the rules of
  /// `check_file_map` are refused with its error, and the attempt goes on.
  result<run_step> publish(attempt_id attempt, std::string output, manifest_delta files,
                           instant now);
  /// An attempt failed; it is tried again or given up, and successors are cancelled.
  /// `stale` for an outdated token.
  result<run_step> attempt_ended(attempt_id attempt, error reason, instant now);
  /// A node was lost: its attempts go back to the queue under new tokens, without a wait.
  /// @pre Comes from who sends `attempt_assigned`, in order, so that it covers all that went there.
  run_step node_lost(node_id node, instant now);
  /// Cancels the run: what has not ended is stopped and cancelled.
  run_step cancel(error reason, instant now);
  /// Cancels one task, as if it had been given up: what depends on it is cancelled too, the rest goes on.
  /// Nothing for a task that has ended, or while the whole run is being cancelled.
  run_step cancel_task(task_id task, error reason, instant now);
  /// The calls of the run have ended, and whether some did so badly.
  run_step calls_over(bool some_failed, instant now);
  /// The moment asked for by `wake_at` came.
  run_step time_passed(instant now);

  /// What the current attempt of `task` may see; `invalid_argument` before it is ready. A task whose
  /// files conflict is never ready: it fails with `file_conflict`.
  [[nodiscard]] result<attempt_view> view_of(task_id task) const;
  /// All that was published, for collection at the end. Fails with `file_conflict` naming both
  /// publishers and the path, where the run's policy lets contradictions fail.
  [[nodiscard]] result<file_map> collected() const;
  /// Calls `visit` for each publication of files, in the order in which they happened: who wrote
  /// which version.
  void visit_publications(const std::function<void(task_id, const manifest_delta&)>& visit) const;

  [[nodiscard]] run_state state() const noexcept;
  [[nodiscard]] task_state state(task_id task) const noexcept;
  [[nodiscard]] const graph& tasks() const noexcept;
  /// Encoded output dictionary of a completed task; empty otherwise.
  [[nodiscard]] const std::string& output(task_id task) const noexcept;
  /// Why a task ended badly; `errc::none` otherwise.
  [[nodiscard]] const error& reason(task_id task) const noexcept;
  /// Attempts offered for `task` so far.
  [[nodiscard]] std::uint32_t attempts(task_id task) const noexcept;
  /// The task whose current attempt has this token; nothing once the attempt has ended.
  [[nodiscard]] std::optional<task_id> find(attempt_id attempt) const noexcept;
  /// Tasks in each state, by `task_state` value.
  [[nodiscard]] const std::array<std::size_t, 9>& counts() const noexcept;
  /// Publications and reports that were refused because of an old token.
  [[nodiscard]] std::uint64_t stale_refused() const noexcept;

  /// Aborts when the books do not balance; simulations call it after every step.
  void check_invariants() const;

private:
  struct data;
  std::unique_ptr<data> data_;
};

} // namespace maze::core
