#include "maze/core/submission_rules.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

tl::unexpected<error> named(std::string_view who, std::string origin, error why) {
  why.message = fmt::format("{}: {}", who, why.message);
  why.origin = std::move(origin);
  return fail(std::move(why));
}

result<void> check_permitted(permission_set needed, permission_set permitted) {
  if (const auto missing = needed.without(permitted); !missing.empty())
    return fail(
        errc::permission_denied,
        fmt::format("needs the permission {}, which this cluster does not give: it gives {}",
                    to_string(missing), to_string(permitted)));
  return {};
}

/// The sandbox within its bounds, or why it cannot be.
result<void> settle(sandbox_spec& sandbox, const sandbox_policy& policy) {
  if (auto within = hold_to(sandbox, policy.bounds); !within)
    return within;
  return check_sandbox(sandbox);
}

} // namespace

result<void> hold_to(submission_form& form, const submission_rules& rules) {
  for (task_spec& task : form.tasks) {
    fill(task, rules.sandbox.defaults);
    auto fine = settle(task.sandbox, rules.sandbox);
    if (fine)
      fine = check_permitted(needed_permissions(task), rules.permitted);
    if (!fine)
      return named(fmt::format("task '{}'", task.name), "submit:" + task.name, fine.error());
  }
  if (form.calls) {
    // Nobody says which parts of theirs were written: a limit that they lack is one that nobody wrote.
    sandbox_parts written = parts_of(form.calls->sandbox);
    if (!form.calls->is_python())
      written.add(sandbox_part::imports);
    fill(form.calls->sandbox, written, rules.sandbox.defaults);
    auto fine = settle(form.calls->sandbox, rules.sandbox);
    if (fine)
      fine = check_permitted(needed_permissions(*form.calls), rules.permitted);
    if (!fine)
      return named("calls", "submit", fine.error());
  }
  return {};
}

} // namespace maze::core
