#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/archive_refs.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/file_rules.hpp"
#include "maze/core/graph.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/library.hpp"
#include "maze/core/manifest.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <string>

namespace maze::actors {

/// What a node must know of a run before it can run any of its attempts; never changes.
struct run_bundle {
  core::run_id run;
  std::string name;
  std::shared_ptr<const core::graph> tasks;
  core::context_map context;
  /// The snapshot taken at submit.
  core::file_map files;
  core::file_rules rules;
  core::library_refs libraries;
  /// What the calls of the run have in common; null for a run without any.
  std::shared_ptr<const core::call_plan> calls;
  core::archive_refs archives;
};
using run_bundle_ptr = std::shared_ptr<const run_bundle>;

struct put_run {
  run_bundle_ptr bundle;
};

struct find_run {
  core::run_id run;

  template <class Inspector>
  friend auto inspect(Inspector& f, find_run& x) {
    return f(x.run);
  }
};

struct forget_run {
  core::run_id run;

  template <class Inspector>
  friend auto inspect(Inspector& f, forget_run& x) {
    return f(x.run);
  }
};

/// Who knows a run's bundle; fails with `not_found`.
using bundle_source = interface<run_bundle_ptr(find_run)>;

/// The REGISTRY: what may run: the task specs and the context of each live run.
using registry_actor = interface<
    // Keeps a run's bundle until it is forgotten.
    void(put_run),
    // The bundle; fails with `not_found`.
    run_bundle_ptr(find_run), void(forget_run)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::put_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::run_bundle_ptr)

// clang-format off
#define MAZE_REGISTRY_MESSAGES(each) \
  each(maze::actors::run_bundle_ptr) \
  each(maze::actors::put_run)        \
  each(maze::actors::find_run)       \
  each(maze::actors::forget_run)
// clang-format on
MAZE_REGISTRY_MESSAGES(MAZE_DECLARE_MESSAGE)
