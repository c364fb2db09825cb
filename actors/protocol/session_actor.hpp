#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/log_actor.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/journal_event.hpp"
#include "maze/core/permissions.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/session_ticket.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace maze::actors {

/// Version of the messages of this file.
constexpr std::uint32_t session_protocol = 1;
/// The most bytes of a submission or a report in one message.
constexpr std::uint64_t document_part_max = std::uint64_t{512} << 10;

/// The first message of a client.
struct open_session {
  /// For the log: who it is.
  std::string client;
  std::uint32_t protocol = session_protocol;
  /// Of the connection, as the hello of the cluster gave it.
  core::session_ticket ticket{};

  template <class Inspector>
  friend auto inspect(Inspector& f, open_session& x) {
    return f(x.client, x.protocol, x.ticket);
  }
};

struct session_opened {
  /// Of the cluster.
  std::string name;
  std::string version;
  /// Wall-clock time of the master's start.
  core::wall_time started{};
  /// As whom the client was let in, for example `client anna`.
  std::string whose;
  /// What its tasks may do here.
  core::permission_set permitted;

  template <class Inspector>
  friend auto inspect(Inspector& f, session_opened& x) {
    return f(x.name, x.version, x.started, x.whose, x.permitted);
  }
};

/// A part of an encoded `core::submission_form`. Parts come in order, from offset 0, which begins anew.
struct submit_part {
  /// The form's `client_id`.
  std::string client_id;
  /// Bytes of the whole.
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
  std::string bytes;
  /// As in `open_session`: what may be handed in depends on whose connection it is.
  core::session_ticket ticket{};

  template <class Inspector>
  friend auto inspect(Inspector& f, submit_part& x) {
    return f(x.client_id, x.size, x.offset, x.bytes, x.ticket);
  }
};

struct submit_progress {
  /// Bytes that have arrived in order: the offset of the next part.
  std::uint64_t received = 0;
  /// After the last part: the run, durably accepted. Zero before.
  core::run_id run;

  template <class Inspector>
  friend auto inspect(Inspector& f, submit_progress& x) {
    return f(x.received, x.run);
  }
};

struct ask_cluster {
  template <class Inspector>
  friend auto inspect(Inspector& f, ask_cluster&) {
    return f();
  }
};

struct ask_runs {
  /// So many of the youngest are passed over.
  std::uint64_t first = 0;
  std::uint32_t count = 100;

  template <class Inspector>
  friend auto inspect(Inspector& f, ask_runs& x) {
    return f(x.first, x.count);
  }
};

struct run_row {
  core::run_id run;
  std::string name;
  core::run_state state = core::run_state::accepted;
  core::wall_time accepted{};
  /// Tasks by `task_state` value.
  std::array<std::uint64_t, 9> counts{};
  std::vector<std::string> collect;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_row& x) {
    return f(x.run, x.name, x.state, x.accepted, x.counts, x.collect);
  }
};

struct run_page {
  std::uint64_t total = 0;
  std::vector<run_row> rows;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_page& x) {
    return f(x.total, x.rows);
  }
};

/// Asks for the run that people mean by a text: `last`, an id or its beginning, a workflow's name.
struct ask_run {
  std::string text;

  template <class Inspector>
  friend auto inspect(Inspector& f, ask_run& x) {
    return f(x.text);
  }
};

/// A question to one run.
template <class Question>
struct of_run {
  core::run_id run;
  Question what;

  template <class Inspector>
  friend auto inspect(Inspector& f, of_run& x) {
    return f(x.run, x.what);
  }
};

/// A part of the encoded `run_report`. Offset 0 takes the report as it stands.
struct ask_report_part {
  std::uint64_t offset = 0;
  /// Of which report, as the first part said.
  std::uint64_t version = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, ask_report_part& x) {
    return f(x.offset, x.version);
  }
};

struct report_part {
  /// Of the whole; 0 where it is gone, because others asked for theirs: begin anew.
  std::uint64_t size = 0;
  std::uint64_t version = 0;
  std::string bytes;

  template <class Inspector>
  friend auto inspect(Inspector& f, report_part& x) {
    return f(x.size, x.version, x.bytes);
  }
};

struct ask_log {
  std::string task;
  /// 0: the last attempt.
  std::uint32_t number = 0;
  log_stream stream = log_stream::standard_output;
  std::uint64_t offset = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, ask_log& x) {
    return f(x.task, x.number, x.stream, x.offset);
  }
};

struct task_log {
  /// Whose log this is; 0 while the task has had no attempt.
  std::uint32_t number = 0;
  log_piece piece;

  template <class Inspector>
  friend auto inspect(Inspector& f, task_log& x) {
    return f(x.number, x.piece);
  }
};

struct ask_output {
  std::string task;

  template <class Inspector>
  friend auto inspect(Inspector& f, ask_output& x) {
    return f(x.task);
  }
};

/// The encoded output dictionary of a task; empty where it has not completed.
struct task_output {
  std::string encoded;

  template <class Inspector>
  friend auto inspect(Inspector& f, task_output& x) {
    return f(x.encoded);
  }
};

/// Asks for the hub of a run's calls, and to be let through to it.
struct enter_calls {
  core::run_id run;
  /// As in `submit_part`.
  core::session_ticket ticket{};

  template <class Inspector>
  friend auto inspect(Inspector& f, enter_calls& x) {
    return f(x.run, x.ticket);
  }
};

struct ask_nodes {
  template <class Inspector>
  friend auto inspect(Inspector& f, ask_nodes&) {
    return f();
  }
};

struct node_row {
  core::node_id node;
  std::string name;
  core::resources total;
  /// Whether it does; `load` is empty otherwise.
  bool answers = false;
  node_load load;
  core::sandbox_offer offers{};

  template <class Inspector>
  friend auto inspect(Inspector& f, node_row& x) {
    return f(x.node, x.name, x.total, x.answers, x.load, x.offers);
  }
};

struct node_page {
  std::vector<node_row> rows;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_page& x) {
    return f(x.rows);
  }
};

struct cluster_status {
  std::string name;
  std::string version;
  core::wall_time started{};
  /// Runs that have not ended, and all of this start.
  std::uint64_t runs_live = 0;
  std::uint64_t runs = 0;
  /// Tasks of live runs, by `task_state` value.
  std::array<std::uint64_t, 9> counts{};
  std::uint64_t nodes = 0;
  core::resources total;

  template <class Inspector>
  friend auto inspect(Inspector& f, cluster_status& x) {
    return f(x.name, x.version, x.started, x.runs_live, x.runs, x.counts, x.nodes, x.total);
  }
};

/// A node takes no new attempts from now on; what runs there comes to its end.
struct drain_member {
  std::string node;

  template <class Inspector>
  friend auto inspect(Inspector& f, drain_member& x) {
    return f(x.node);
  }
};

/// The whole node process ends.
struct shut_down {
  template <class Inspector>
  friend auto inspect(Inspector& f, shut_down&) {
    return f();
  }
};

/// A SESSION GATE: what connected clients may ask of a cluster. No message of it is longer than 1 MiB,
/// and nothing is sent that was not asked for, so that a slow client holds up nobody. Blobs travel on the
/// bulk plane.
///
/// Fails with `permission_denied` where a message lacks the ticket that it should bear.
using session_actor = interface<
    // Fails with `unsupported_operation` for another protocol.
    session_opened(open_session),
    // Idempotent: the same parts again give the same run. Fails with `stale` for a part out of order, with
    // `limit_exceeded`, and with whatever is wrong with the whole; with `permission_denied` for tasks that may do more than
    // what the ticket's owner may hand in.
    submit_progress(submit_part), cluster_status(ask_cluster), run_page(ask_runs), run_row(ask_run),
    task_page(of_run<list_tasks>),
    // Waits for news, so that following a run is asking again and again.
    run_news(of_run<await_news>), report_part(of_run<ask_report_part>),
    task_output(of_run<ask_output>),
    // Of an attempt that runs: what it has printed so far.
    task_log(of_run<ask_log>),
    // Fails with `not_found` for a run without calls, with `permission_denied` where its calls may do more than
    // what the ticket's owner may hand in. The hub lives where the gate does.
    call_service(enter_calls),
    // Whether there was something to cancel.
    bool(of_run<cancel_run>), bool(of_run<cancel_task>), node_page(ask_nodes), bool(drain_member),
    bool(shut_down),
    // As the master does.
    forgotten_runs(forget_runs)>;

} // namespace maze::actors

// clang-format off
#define MAZE_SESSION_MESSAGES(each)                         \
  each(maze::actors::of_run<maze::actors::await_news>)      \
  each(maze::actors::of_run<maze::actors::cancel_run>)      \
  each(maze::actors::of_run<maze::actors::cancel_task>)     \
  each(maze::actors::enter_calls)                           \
  each(maze::actors::open_session)                          \
  each(maze::actors::session_opened)                        \
  each(maze::actors::submit_part)                           \
  each(maze::actors::submit_progress)                       \
  each(maze::actors::ask_cluster)                           \
  each(maze::actors::ask_run)                               \
  each(maze::actors::ask_runs)                              \
  each(maze::actors::run_row)                               \
  each(maze::actors::run_page)                              \
  each(maze::actors::of_run<maze::actors::ask_report_part>) \
  each(maze::actors::report_part)                           \
  each(maze::actors::of_run<maze::actors::ask_log>)         \
  each(maze::actors::task_log)                              \
  each(maze::actors::of_run<maze::actors::ask_output>)      \
  each(maze::actors::task_output)                           \
  each(maze::actors::ask_nodes)                             \
  each(maze::actors::node_page)                             \
  each(maze::actors::drain_member)                          \
  each(maze::actors::shut_down)
// clang-format on
MAZE_SESSION_MESSAGES(MAZE_DECLARE_MESSAGE)
