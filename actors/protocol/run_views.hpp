#pragma once

#include "maze/actors/shared_messages.hpp"
#include "maze/core/descriptor.hpp"
#include "maze/core/graph_run.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/isolation.hpp"
#include "maze/core/phase_times.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What people ask a run: each answer is bounded, so that it fits one message.
namespace maze::actors {

/// The most tasks in one answer.
constexpr std::uint32_t task_page_max = 256;

struct list_tasks {
  /// Position in the workflow of the first task wanted.
  std::uint64_t first = 0;
  std::uint32_t count = task_page_max;

  template <class Inspector>
  friend auto inspect(Inspector& f, list_tasks& x) {
    return f(x.first, x.count);
  }
};

/// An attempt that was followed by another one.
struct past_attempt {
  std::uint32_t number = 0;
  core::node_id node;
  /// From the start of the run until it began; negative: it did not.
  core::duration began{-1};
  core::duration elapsed{};
  /// From the start of the run; of a lost node only what it had told.
  core::phase_times phases;
  core::isolation isolation;
  core::errc reason = core::errc::none;

  template <class Inspector>
  friend auto inspect(Inspector& f, past_attempt& x) {
    return f(x.number, x.node, x.began, x.elapsed, x.phases, x.isolation, x.reason);
  }
};

/// The most earlier attempts in a row: the latest.
constexpr std::size_t past_attempts_max = 16;

struct task_row {
  std::string name;
  core::action_kind kind = core::action_kind::command;
  /// See `core::call_site`.
  std::string calls;
  core::task_state state = core::task_state::pending;
  /// Offered so far.
  std::uint32_t attempts = 0;
  /// Where the last attempt is or was; zero: nowhere yet.
  core::node_id node;
  /// Of a running task.
  core::phase at = core::phase::pull;
  /// From the start of the run until the last attempt began; negative: it has not.
  core::duration began{-1};
  /// How long the last attempt has run or ran.
  core::duration elapsed{};
  /// Of the last attempt, once it has ended; from the start of the run.
  core::phase_times phases;
  /// Of the last attempt, once it has ended.
  core::isolation isolation;
  std::vector<past_attempt> earlier;
  /// Why the task ended badly, without evidence.
  core::errc reason = core::errc::none;
  std::string message;

  template <class Inspector>
  friend auto inspect(Inspector& f, task_row& x) {
    return f(x.name, x.kind, x.calls, x.state, x.attempts, x.node, x.at, x.began, x.elapsed,
             x.phases, x.isolation, x.earlier, x.reason, x.message);
  }
};

struct task_page {
  std::uint64_t total = 0;
  std::vector<task_row> rows;

  template <class Inspector>
  friend auto inspect(Inspector& f, task_page& x) {
    return f(x.total, x.rows);
  }
};

/// Where an attempt is or was.
struct find_attempt {
  std::string task;
  /// 0: the last one.
  std::uint32_t number = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, find_attempt& x) {
    return f(x.task, x.number);
  }
};

struct attempt_place {
  /// 0: the task has had no attempt yet.
  std::uint32_t number = 0;
  /// Zero where it never went to one.
  core::node_id node;
  /// Its token while it is out.
  core::attempt_id attempt;
  /// It will print nothing more.
  bool ended = false;
  /// The encoded output dictionary, where the attempt completed the task.
  std::string output;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_place& x) {
    return f(x.number, x.node, x.attempt, x.ended, x.output);
  }
};

struct cancel_task {
  std::string task;
  core::error reason;

  template <class Inspector>
  friend auto inspect(Inspector& f, cancel_task& x) {
    return f(x.task, x.reason);
  }
};

/// Asks for what ended badly since the last answer; without news the answer waits for `patience`.
struct await_news {
  /// The `next` of the last answer, or 0.
  std::uint64_t seen = 0;
  core::duration patience{};

  template <class Inspector>
  friend auto inspect(Inspector& f, await_news& x) {
    return f(x.seen, x.patience);
  }
};

/// The longest patience that is granted.
constexpr core::duration patience_max = std::chrono::seconds(10);

} // namespace maze::actors

// clang-format off
#define MAZE_RUN_VIEWS_MESSAGES(each) \
  each(maze::actors::list_tasks)      \
  each(maze::actors::task_page)       \
  each(maze::actors::find_attempt)    \
  each(maze::actors::attempt_place)   \
  each(maze::actors::cancel_task)     \
  each(maze::actors::await_news)
// clang-format on
MAZE_RUN_VIEWS_MESSAGES(MAZE_DECLARE_MESSAGE)
