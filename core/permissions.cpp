#include "maze/core/permissions.hpp"

#include "maze/core/call_plan.hpp"
#include "maze/core/task_spec.hpp"

#include <array>

namespace maze::core {

namespace {

constexpr std::array every_permission{permission::read_files, permission::write_files,
                                      permission::network_access, permission::system_commands};

/// What a sandbox lets a task do.
permission_set opened_by(const sandbox_spec& sandbox) {
  if (!sandbox.sealed() || sandbox.degrade)
    return permission_set::all();
  permission_set out;
  if (sandbox.has_network())
    out.add(permission::network_access);
  if (!sandbox.readable.empty() || !sandbox.writable.empty())
    out.add(permission::read_files);
  if (!sandbox.writable.empty())
    out.add(permission::write_files);
  // What comes with the run is its own; else the node reads an archive, or asks whomever a name says.
  if (sandbox.level == sandbox_level::container && carried_archive(sandbox) == nullptr) {
    const bool archive = sandbox.image && is_archive(*sandbox.image);
    out.add(archive ? permission::read_files : permission::network_access);
  }
  return out;
}

} // namespace

std::span<const permission> all_permissions() noexcept { return every_permission; }

std::string_view to_string(permission x) noexcept {
  switch (x) {
  case permission::read_files:
    return "read_files";
  case permission::write_files:
    return "write_files";
  case permission::network_access:
    return "network_access";
  case permission::system_commands:
    return "system_commands";
  }
  return "unknown";
}

std::optional<permission> permission_from_string(std::string_view name) noexcept {
  for (const permission each : every_permission)
    if (to_string(each) == name)
      return each;
  return std::nullopt;
}

std::string to_string(permission_set x) {
  std::string out;
  for (const permission each : every_permission)
    if (x.has(each))
      out += (out.empty() ? "" : ", ") + std::string(to_string(each));
  return out.empty() ? "none" : out;
}

permission_set needed_permissions(const task_spec& task) {
  permission_set out = opened_by(task.sandbox);
  for (const permission each : every_permission)
    if (task.permissions.has(each))
      out.add(each);
  if (!is_function(task))
    out.add(permission::system_commands);
  return out;
}

permission_set needed_permissions(const call_plan& plan) { return opened_by(plan.sandbox); }

sandbox_offer needed_offer(const task_spec& task) {
  sandbox_offer out = needed_offer(task.sandbox);
  out.permissions = needed_permissions(task);
  return out;
}

sandbox_offer needed_offer(const call_plan& plan) {
  sandbox_offer out = needed_offer(plan.sandbox);
  out.permissions = needed_permissions(plan);
  return out;
}

} // namespace maze::core
