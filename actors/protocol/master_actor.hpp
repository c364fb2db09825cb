#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/protocol/reclaimer_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/archive_refs.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/cluster.hpp"
#include "maze/core/library.hpp"
#include "maze/core/workflow.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace maze::actors {

/// A checked workflow with its snapshot, ready to run.
struct submission {
  /// Made by the client: submitting the same id again gives the same run, until it is released.
  std::string client_id;
  std::string name;
  std::shared_ptr<const core::graph> tasks;
  core::context_map context;
  /// The snapshot; its blobs lie in the master's store.
  core::file_map files;
  /// Hash of the snapshot's canonical manifest.
  core::digest base;
  std::optional<core::reference> result;
  /// Globs of published files that the client wants; empty: all.
  std::vector<std::string> collect;
  core::file_rules rules;
  /// Task libraries; their blobs lie in the master's store.
  core::library_refs libraries;
  /// What the calls of the run have in common; null for a run without any.
  std::shared_ptr<const core::call_plan> calls;
  /// Archives of images; their blobs lie in the master's store.
  core::archive_refs archives;
  /// Hears of failures and of the end; may be null.
  run_listener listener;
};

struct submit_run {
  std::shared_ptr<const submission> work;
};

/// The run was accepted, durably.
struct run_handle {
  core::run_id run;
  dag_context_actor context;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_handle& x) {
    return f(x.run, x.context);
  }
};

struct join_cluster {
  core::node_application who;
  node_agent_actor agent;

  template <class Inspector>
  friend auto inspect(Inspector& f, join_cluster& x) {
    return f(x.who, x.agent);
  }
};

/// The node is a member, durably.
struct node_admission {
  core::node_id node;
  core::session_id session;
  /// The same incarnation was a member already: its session goes on, with the agent that it had.
  bool resumed = false;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_admission& x) {
    return f(x.node, x.session, x.resumed);
  }
};

/// A node's link is over.
struct node_silent {
  core::session_id session;
  core::error reason;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_silent& x) {
    return f(x.session, x.reason);
  }
};

/// A DAGContext tells that its run reached its end.
struct run_ended {
  core::run_id run;
  core::run_state state = core::run_state::completed;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_ended& x) {
    return f(x.run, x.state);
  }
};

/// Whoever submitted a run has its report and asks for nothing more.
struct release_run {
  core::run_id run;

  template <class Inspector>
  friend auto inspect(Inspector& f, release_run& x) {
    return f(x.run);
  }
};

/// Nobody asks about these runs any more: what only they needed may go.
struct forget_runs {
  std::vector<core::run_id> runs;
  /// Every run that has ended, and whatever else in the stores no run needs.
  bool all = false;

  template <class Inspector>
  friend auto inspect(Inspector& f, forget_runs& x) {
    return f(x.runs, x.all);
  }
};

struct forgotten_runs {
  std::vector<core::run_id> runs;
  reclaimed freed;

  template <class Inspector>
  friend auto inspect(Inspector& f, forgotten_runs& x) {
    return f(x.runs, x.freed);
  }
};

/// The most runs in one answer.
constexpr std::uint32_t run_page_max = 100;

struct list_runs {
  /// So many of the youngest are passed over.
  std::uint64_t first = 0;
  std::uint32_t count = run_page_max;
  /// Only those that have not ended.
  bool live = false;

  template <class Inspector>
  friend auto inspect(Inspector& f, list_runs& x) {
    return f(x.first, x.count, x.live);
  }
};

struct known_run {
  core::run_id run;
  std::string name;
  core::run_state state = core::run_state::accepted;
  /// Wall-clock time of its acceptance.
  core::wall_time accepted{};
  std::vector<std::string> collect;
  dag_context_actor context;

  template <class Inspector>
  friend auto inspect(Inspector& f, known_run& x) {
    return f(x.run, x.name, x.state, x.accepted, x.collect, x.context);
  }
};

/// Of this start of the master, the youngest first.
struct run_listing {
  /// So many there are of those asked for, and of all.
  std::uint64_t total = 0;
  std::uint64_t known = 0;
  std::vector<known_run> runs;

  template <class Inspector>
  friend auto inspect(Inspector& f, run_listing& x) {
    return f(x.total, x.known, x.runs);
  }
};

/// Asks for the run that people mean by a text: see `core::cluster::select_run`.
struct select_run {
  std::string text;

  template <class Inspector>
  friend auto inspect(Inspector& f, select_run& x) {
    return f(x.text);
  }
};

/// Asks for the members that are called `text`, or for all where it is empty.
struct select_nodes {
  std::string text;

  template <class Inspector>
  friend auto inspect(Inspector& f, select_nodes& x) {
    return f(x.text);
  }
};

struct known_node {
  core::node_id node;
  std::string name;
  core::resources total;
  node_agent_actor agent;
  core::sandbox_offer offers{};

  template <class Inspector>
  friend auto inspect(Inspector& f, known_node& x) {
    return f(x.node, x.name, x.total, x.agent, x.offers);
  }
};

struct node_listing {
  std::vector<known_node> nodes;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_listing& x) {
    return f(x.nodes);
  }
};

/// The MASTER: accepts runs and nodes.
using master_actor = interface<
    // Starts a run; the reply waits until its acceptance is durable.
    run_handle(submit_run),
    // Takes a node in, durably; fails as `core::cluster::join` does.
    node_admission(join_cluster), void(node_silent), void(run_ended),
    // Ends the DAGContext of a run that has ended; ignored for one that has not.
    void(release_run), void(facts_durable), run_listing(list_runs),
    // Fails as `core::cluster::select_run` does.
    known_run(select_run),
    // Fails with `not_found` for a name that no member has.
    node_listing(select_nodes),
    // Fails with `not_found`, or with `invalid_argument` for one that has not ended; then all stay.
    forgotten_runs(forget_runs), needy(list_needy)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::submit_run)

// clang-format off
#define MAZE_MASTER_MESSAGES(each)   \
  each(maze::actors::submit_run)     \
  each(maze::actors::run_handle)     \
  each(maze::actors::join_cluster)   \
  each(maze::actors::node_admission) \
  each(maze::actors::node_silent)    \
  each(maze::actors::run_ended)      \
  each(maze::actors::release_run)    \
  each(maze::actors::forget_runs)    \
  each(maze::actors::forgotten_runs) \
  each(maze::actors::list_runs)      \
  each(maze::actors::known_run)      \
  each(maze::actors::run_listing)    \
  each(maze::actors::select_run)     \
  each(maze::actors::select_nodes)   \
  each(maze::actors::node_listing)
// clang-format on
MAZE_MASTER_MESSAGES(MAZE_DECLARE_MESSAGE)
