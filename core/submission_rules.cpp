#include "maze/core/submission_rules.hpp"

#include "maze/core/permission_list.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

tl::unexpected<error> named(std::string_view who, std::string origin, error why) {
  why.message = fmt::format("{}: {}", who, why.message);
  why.origin = std::move(origin);
  return fail(std::move(why));
}

/// By the cluster, then by whoever asks.
result<void> check_both(permission_set needed, permission_set permitted, const submitter& by) {
  if (const auto missing = needed.without(permitted); !missing.empty())
    return fail(
        errc::permission_denied,
        fmt::format("needs the permission {}, which this cluster does not give: it gives {}",
                    to_string(missing), to_string(permitted)));
  return check_permitted(needed, by);
}

} // namespace

bool must_seal(const submission_rules& rules, const submitter& by) {
  const sandbox_options& bounds = rules.sandbox.bounds;
  return both(rules.permitted, by.permitted) != permission_set::all()
         || (bounds.said.has(sandbox_part::level) && bounds.values.sealed());
}

result<void> check_permitted(permission_set needed, const submitter& by) {
  if (const auto missing = needed.without(by.permitted); !missing.empty())
    return fail(errc::permission_denied,
                fmt::format("needs the permission {}, which the join file of {} does not give: it "
                            "gives {}; ask the cluster's owner for another one, made with --permit",
                            to_string(missing), by.name, to_string(by.permitted)));
  return {};
}

result<void> hold_to(submission_form& form, const submission_rules& rules, const submitter& by) {
  for (task_spec& task : form.tasks) {
    auto fine = settle(task, rules.sandbox);
    if (fine)
      fine = check_both(needed_permissions(task), rules.permitted, by);
    if (!fine)
      return named(fmt::format("task '{}'", task.name), "submit:" + task.name, fine.error());
  }
  if (form.calls) {
    // Nobody says which parts of theirs were written: a limit that they lack is one that nobody wrote.
    sandbox_parts written = parts_of(form.calls->sandbox);
    if (!form.calls->is_python())
      written.add(sandbox_part::imports);
    auto fine = settle(form.calls->sandbox, written, rules.sandbox);
    if (fine)
      fine = check_both(needed_permissions(*form.calls), rules.permitted, by);
    if (!fine)
      return named("calls", "submit", fine.error());
  }
  return {};
}

} // namespace maze::core
