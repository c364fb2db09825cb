#include "maze/core/sandbox_spec.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {

namespace {

tl::unexpected<error> wrong(std::string why) {
  return fail(errc::invalid_argument, "sandbox: " + std::move(why), "submit");
}

/// Absolute, and what it says: nothing of it is resolved before a child is shown it.
bool is_plain_path(std::string_view path) noexcept {
  if (path.size() < 2 || path.front() != '/' || path.back() == '/'
      || path.find('\0') != std::string_view::npos)
    return false;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..")
      return false;
    at = end + 1;
  }
  return true;
}

result<void> check_paths(std::string_view part, const std::vector<std::string>& paths) {
  if (paths.size() > sandbox_paths_max)
    return wrong(fmt::format("`{}` names {} paths, at most {} can be shown: name a folder above "
                             "them",
                             part, paths.size(), sandbox_paths_max));
  for (const std::string& path : paths)
    if (path == "/proc" || path.starts_with("/proc/") || path == "/dev" || path == "/dev/shm")
      return wrong(fmt::format("`{}`: a sealed task has a {} of its own; name single devices below "
                               "/dev",
                               part, path.starts_with("/proc") ? "/proc" : path));
    else if (!is_plain_path(path))
      return wrong(
          fmt::format("`{}`: \"{}\" is no absolute path without `.`, `..` and a `/` at its "
                      "end",
                      part, printable(path)));
  return {};
}

} // namespace

result<void> check_sandbox(const sandbox_spec& spec) {
  for (const auto& limit : {spec.wall_time, spec.cpu_time})
    if (limit && *limit <= duration::zero())
      return wrong("a time limit must be longer than nothing");
  constexpr std::string_view remedy = "needs `level: seccomp`, or more";
  if (!spec.sealed()) {
    if (spec.network == false)
      return wrong(fmt::format("`network: false` {}", remedy));
    if (!spec.readable.empty() || !spec.writable.empty())
      return wrong(fmt::format("`{}` {}: below, a child sees all of the machine",
                               spec.readable.empty() ? "writable" : "readable", remedy));
  }
  if (!spec.syscalls.empty() && spec.level != sandbox_level::seccomp)
    return wrong("`syscalls` needs `level: seccomp`");
  if (spec.syscalls.size() > sandbox_syscalls_max)
    return wrong(fmt::format("`syscalls` has {} entries, at most {} are taken",
                             spec.syscalls.size(), sandbox_syscalls_max));
  if (auto fine = check_paths("readable", spec.readable); !fine)
    return fine;
  return check_paths("writable", spec.writable);
}

std::string_view to_string(sandbox_level level) noexcept {
  switch (level) {
  case sandbox_level::none:
    return "none";
  case sandbox_level::subprocess:
    return "subprocess";
  case sandbox_level::seccomp:
    return "seccomp";
  case sandbox_level::container:
    return "container";
  }
  return "unknown";
}

std::optional<sandbox_level> sandbox_level_from_string(std::string_view name) noexcept {
  for (const auto level : {sandbox_level::none, sandbox_level::subprocess, sandbox_level::seccomp,
                           sandbox_level::container})
    if (name == to_string(level))
      return level;
  if (name == "docker")
    return sandbox_level::container;
  return std::nullopt;
}

} // namespace maze::core
