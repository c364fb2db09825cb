#pragma once

#include "maze/core/permissions.hpp"
#include "maze/core/sandbox_policy.hpp"
#include "maze/core/submission_form.hpp"

namespace maze::core {

/// What the owner of a cluster says of all that is handed in to it.
struct submission_rules {
  sandbox_policy sandbox;
  /// What tasks may do.
  permission_set permitted = permission_set::all();
};

/// Whoever hands something in.
struct submitter {
  /// For messages, for example `client anna`.
  std::string name;
  /// What this one's tasks may do, whatever the cluster permits.
  permission_set permitted = permission_set::all();
};

/// Whether code that is handed in may run nowhere but sealed, be it only to be looked at.
bool must_seal(const submission_rules& rules, const submitter& by);

/// Fails with `permission_denied`, naming what is missing and whose join file lacks it, where `needed` is more than `by` may.
result<void> check_permitted(permission_set needed, const submitter& by);

/// Holds the tasks and the calls of `form` to the rules and to what `by` may: fills in the defaults, sets what they bound. Fails
/// with `permission_denied` for what is not allowed, or `invalid_argument` where the sandbox that results contradicts itself,
/// naming the task.
result<void> hold_to(submission_form& form, const submission_rules& rules,
                     const submitter& by = {});

} // namespace maze::core
