#pragma once

#include "maze/core/result.hpp"
#include "maze/core/sandbox_parts.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/core/task_spec.hpp"

namespace maze::core {

/// Some parts of a sandbox, said by somebody else than the task.
struct sandbox_options {
  sandbox_spec values;
  /// Which parts of `values` count.
  sandbox_parts said;

  friend bool operator==(const sandbox_options&, const sandbox_options&) = default;
};

/// What the owner of a cluster says of all tasks that are handed in to it.
struct sandbox_policy {
  /// Of tasks that do not say the part themselves.
  sandbox_options defaults;
  /// A minimum of `level`, a maximum of each limit, and `network: false`.
  sandbox_options bounds;

  friend bool operator==(const sandbox_policy&, const sandbox_policy&) = default;
};

/// Gives the sandbox those of `defaults` that are not `written` and that its level can have, and counts them as written.
void fill(sandbox_spec& sandbox, sandbox_parts& written, const sandbox_options& defaults);

/// The same of a task, where a part that says something counts as written; `imports` is for Python functions.
void fill(task_spec& task, const sandbox_options& defaults);

/// Whether every part that is said can be a bound; else `invalid_argument` naming the part.
result<void> check_bounds(const sandbox_options& bounds);

/// Holds the sandbox to the bounds: raises its level, sets each limit that it lacks. Fails with `permission_denied` naming the
/// part where it asks for more than the bound, or for a node that may give less.
result<void> hold_to(sandbox_spec& sandbox, const sandbox_options& bounds);

/// Lays the policy over a sandbox: the defaults, then the bounds, once more both for what the level that a bound raised can
/// have beside them, and `check_sandbox`. Fails as those do.
result<void> settle(sandbox_spec& sandbox, sandbox_parts& written, const sandbox_policy& policy);

/// The same of a task, with what `fill` says of one.
result<void> settle(task_spec& task, const sandbox_policy& policy);

/// The parts that differ from those of a sandbox that says nothing.
sandbox_parts parts_of(const sandbox_spec& sandbox);

} // namespace maze::core
