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

/// Holds the tasks and the calls of `form` to the rules: fills in the defaults, sets what they bound. Fails with
/// `permission_denied` for what they do not allow, or `invalid_argument` where the sandbox that results contradicts itself,
/// naming the task.
result<void> hold_to(submission_form& form, const submission_rules& rules);

} // namespace maze::core
