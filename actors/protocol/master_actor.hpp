#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/core/workflow.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <optional>
#include <string>

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
  std::string name;
  core::resources total;
  node_agent_actor agent;

  template <class Inspector>
  friend auto inspect(Inspector& f, join_cluster& x) {
    return f(x.name, x.total, x.agent);
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

/// The MASTER: accepts runs and nodes.
using master_actor = interface<
    // Starts a run; the reply waits until its acceptance is durable.
    run_handle(submit_run),
    // Takes a node in, durably; fails with `invalid_argument` for a node without cores.
    core::node_id(join_cluster), void(run_ended),
    // Ends the DAGContext of a run that has ended; ignored for one that has not.
    void(release_run), void(facts_durable)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::submit_run)
