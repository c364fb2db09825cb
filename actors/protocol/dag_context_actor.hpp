#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/call_service_actor.hpp"
#include "maze/actors/protocol/journal_actor.hpp"
#include "maze/actors/protocol/lane_actor.hpp"
#include "maze/actors/protocol/run_views.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/cut_stream.hpp"
#include "maze/core/digest.hpp"
#include "maze/core/graph_run.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/isolation.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/phase_times.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace maze::actors {

struct start_run {
  template <class Inspector>
  friend auto inspect(Inspector& f, start_run&) {
    return f();
  }
};

/// The scheduler placed attempts.
struct attempts_assigned {
  core::node_id node;
  std::vector<core::attempt_id> attempts;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempts_assigned& x) {
    return f(x.node, x.attempts);
  }
};

/// An attempt entered a phase.
struct attempt_entered {
  core::attempt_id attempt;
  core::phase at = core::phase::pull;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_entered& x) {
    return f(x.attempt, x.at);
  }
};

using core::cut_stream;

/// An attempt succeeded: its output and files become visible together, once, or not at all.
struct publish_attempt {
  core::attempt_id attempt;
  /// Encoded output dictionary `{key: value}`.
  std::string output;
  core::manifest_delta files;
  /// Paths that look like code or caches and are not part of `files`.
  std::vector<std::string> left_out;
  std::vector<cut_stream> cut;
  core::phase_times phases;
  core::isolation isolation;

  template <class Inspector>
  friend auto inspect(Inspector& f, publish_attempt& x) {
    return f(x.attempt, x.output, x.files, x.left_out, x.cut, x.phases, x.isolation);
  }
};

/// An attempt ended without a result.
struct attempt_lost {
  core::attempt_id attempt;
  core::error reason;
  std::vector<cut_stream> cut;
  core::phase_times phases;
  core::isolation isolation;

  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_lost& x) {
    return f(x.attempt, x.reason, x.cut, x.phases, x.isolation);
  }
};

/// Who follows an attempt to its end: a run's DAGContext, or what stands in for it on a node elsewhere.
using attempt_follower = interface<void(attempt_entered), void(publish_attempt), void(attempt_lost),
                                   // Of an attempt that is a lane.
                                   void(lane_ready)>;

struct node_gone {
  core::node_id node;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_gone& x) {
    return f(x.node);
  }
};

struct cancel_run {
  core::error reason;

  template <class Inspector>
  friend auto inspect(Inspector& f, cancel_run& x) {
    return f(x.reason);
  }
};

/// The moment that the run's twin asked to be woken at.
struct run_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, run_tick&) {
    return f();
  }
};

/// A task that runs now, for people to look at.
struct running_task {
  std::string name;
  core::phase at = core::phase::pull;
  core::duration elapsed{};

  template <class Inspector>
  friend auto inspect(Inspector& f, running_task& x) {
    return f(x.name, x.at, x.elapsed);
  }
};

struct ask_status {
  /// At most this many of the running tasks, longest first.
  std::uint32_t running_max = 8;

  template <class Inspector>
  friend auto inspect(Inspector& f, ask_status& x) {
    return f(x.running_max);
  }
};

struct run_status {
  core::run_state state = core::run_state::accepted;
  /// Tasks by `task_state` value.
  std::array<std::uint64_t, 9> counts{};
  std::vector<running_task> running;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_status& x) {
    return f(x.state, x.counts, x.running);
  }
};

/// A task that ended otherwise than completed, and why.
struct task_outcome {
  std::string task;
  core::task_state state = core::task_state::failed;
  std::uint32_t attempts = 0;
  core::error reason;

  template <class Inspector>
  friend auto inspect(Inspector& f, task_outcome& x) {
    return f(x.task, x.state, x.attempts, x.reason);
  }
};

/// One version of a file: who wrote what.
struct file_version {
  std::string path;
  std::string task;
  core::file_entry entry;

  template <class Inspector>
  friend auto inspect(Inspector& f, file_version& x) {
    return f(x.path, x.task, x.entry);
  }
};

/// A path that a task wrote and that was not published, because it looks like code or a cache.
struct left_out_path {
  std::string path;
  std::string task;

  template <class Inspector>
  friend auto inspect(Inspector& f, left_out_path& x) {
    return f(x.path, x.task);
  }
};

/// A stream that was cut, and whose it is.
struct cut_output {
  std::string task;
  /// From 1.
  std::uint32_t attempt = 0;
  cut_stream what;

  template <class Inspector>
  friend auto inspect(Inspector& f, cut_output& x) {
    return f(x.task, x.attempt, x.what);
  }
};

/// What the last attempt of a task did with files beyond what the task declares.
struct task_files {
  std::string task;
  core::file_report report;

  template <class Inspector>
  friend auto inspect(Inspector& f, task_files& x) {
    return f(x.task, x.report);
  }
};

/// A report card, and how many tasks had it.
struct shared_card {
  core::isolation card;
  std::uint64_t tasks = 0;
  /// The first of them.
  std::string task;

  template <class Inspector>
  friend auto inspect(Inspector& f, shared_card& x) {
    return f(x.card, x.tasks, x.task);
  }
};

/// The patience of somebody who waits for news is at its end.
struct news_due {
  std::uint64_t question = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, news_due& x) {
    return f(x.question);
  }
};

struct ask_report {
  template <class Inspector>
  friend auto inspect(Inspector& f, ask_report&) {
    return f();
  }
};

struct run_report {
  core::run_state state = core::run_state::accepted;
  std::array<std::uint64_t, 9> counts{};
  /// Every task that did not complete, in the order of the workflow.
  std::vector<task_outcome> not_completed;
  /// What the run published, if that is free of conflicts.
  core::file_map published;
  /// Every version that was published, in the order of publication.
  std::vector<file_version> history;
  std::vector<left_out_path> left_out;
  /// In the order in which the attempts ended.
  std::vector<cut_output> cut;
  /// Of tasks that want it and whose last attempt did not do as declared, in the order of the workflow.
  std::vector<task_files> file_reports;
  /// Of all tasks whose last attempt began.
  std::vector<shared_card> cards;
  /// Why `published` is missing.
  core::error conflict;
  /// Encoded value of the workflow's `result`; empty where there is none or its task did not complete.
  std::string result;
  /// Late publications and reports that were refused because of their token.
  std::uint64_t stale_refused = 0;
  /// From its start to its end, or until now.
  core::duration elapsed{};

  template <class Inspector>
  friend auto inspect(Inspector& f, run_report& x) {
    return f(x.state, x.counts, x.not_completed, x.published, x.history, x.left_out, x.cut,
             x.file_reports, x.cards, x.conflict, x.result, x.stale_refused, x.elapsed);
  }
};

/// Something that whoever follows a run wants to know at once. Sent only when it is durable.
struct run_event {
  core::run_id run;
  /// Tasks that ended otherwise than completed since the last event.
  std::vector<task_outcome> not_completed;
  /// Whether the run ended; then `state` is terminal.
  bool ended = false;
  core::run_state state = core::run_state::running;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_event& x) {
    return f(x.run, x.not_completed, x.ended, x.state);
  }
};
using run_listener = listener_actor<run_event>;

/// What ended badly since the last answer, and how the run stands.
struct run_news {
  /// At most `news_max`.
  std::vector<task_outcome> not_completed;
  /// For the next question.
  std::uint64_t next = 0;
  run_status status;
  /// Tasks of the run.
  std::uint64_t total = 0;
  /// The run has ended, durably, and no news is left.
  bool ended = false;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_news& x) {
    return f(x.not_completed, x.next, x.status, x.total, x.ended);
  }
};
constexpr std::size_t news_max = 64;

/// How the calls of a run stand: how many there are in each state, by `core::call_state` value.
struct call_progress {
  std::array<std::uint64_t, 5> counts{};

  template <class Inspector>
  friend auto inspect(Inspector& f, call_progress& x) {
    return f(x.counts);
  }
};

/// Asks for the hub of the run's calls.
struct ask_calls {
  template <class Inspector>
  friend auto inspect(Inspector& f, ask_calls&) {
    return f();
  }
};

/// Asks which blobs a run needs: its snapshot and what its tasks published.
struct name_blobs {
  /// Only those are of interest; null: all.
  std::shared_ptr<const core::digest_set> among;
};
using blob_list = std::shared_ptr<const std::vector<core::digest>>;

/// A DAGCONTEXT: owner of one run's values and file versions; drives the run to its end.
using dag_context_actor = interface<void(start_run), void(attempts_assigned), void(attempt_entered),
                                    void(publish_attempt), void(attempt_lost), void(node_gone),
                                    void(cancel_run), void(run_tick), void(facts_durable),
                                    void(lane_ready), void(call_progress), void(calls_over),
                                    // `not_found` for a run without calls.
                                    call_service(ask_calls),
                                    // Numbers and running tasks for a live view.
                                    run_status(ask_status),
                                    // Everything about the run as it stands; final once it ended.
                                    run_report(ask_report),
                                    // Some of the tasks, in the order of the workflow.
                                    task_page(list_tasks),
                                    // Fails with `not_found` for a task or attempt there is not.
                                    attempt_place(find_attempt),
                                    // Whether there was something to cancel; `not_found`.
                                    bool(cancel_task),
                                    // At once where there is news, else when some comes.
                                    run_news(await_news), void(news_due), blob_list(name_blobs)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::name_blobs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::blob_list)

// clang-format off
#define MAZE_DAG_CONTEXT_MESSAGES(each) \
  each(maze::actors::name_blobs)        \
  each(maze::actors::call_progress)     \
  each(maze::actors::ask_calls)         \
  each(maze::actors::blob_list)         \
  each(maze::actors::start_run)         \
  each(maze::actors::attempts_assigned) \
  each(maze::actors::attempt_entered)   \
  each(maze::actors::publish_attempt)   \
  each(maze::actors::attempt_lost)      \
  each(maze::actors::node_gone)         \
  each(maze::actors::cancel_run)        \
  each(maze::actors::run_tick)          \
  each(maze::actors::ask_status)        \
  each(maze::actors::run_status)        \
  each(maze::actors::news_due)          \
  each(maze::actors::ask_report)        \
  each(maze::actors::run_report)        \
  each(maze::actors::run_event)         \
  each(maze::actors::run_news)
// clang-format on
MAZE_DAG_CONTEXT_MESSAGES(MAZE_DECLARE_MESSAGE)
