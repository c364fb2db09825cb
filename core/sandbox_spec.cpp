#include "maze/core/sandbox_spec.hpp"

#include "maze/core/image_name.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

/// What begins with a dash could be an option of the engine.
bool is_plain_name(std::string_view text) noexcept {
  static constexpr std::string_view marks = "._-/:@+";
  return !text.starts_with('-') && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || marks.find(c) != std::string_view::npos;
  });
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

bool is_set_by_maze(std::string_view variable) noexcept {
  return variable.starts_with("MAZE_") || variable == "HOME" || variable == "CUDA_VISIBLE_DEVICES"
         || variable == "CUDA_DEVICE_ORDER";
}

result<void> check_names(std::string_view part, const std::vector<std::string>& names,
                         std::size_t most) {
  if (names.size() > most)
    return wrong(
        fmt::format("`{}` has {} entries, at most {} are taken", part, names.size(), most));
  for (const std::string& name : names)
    if (part == "environment" && is_set_by_maze(name))
      return wrong(fmt::format("`{}`: maze sets {} itself", part, name));
    else if (!is_name(name) || name.find('-') != std::string::npos)
      return wrong(
          fmt::format("`{}`: \"{}\" is no name of letters, digits and `_`", part, printable(name)));
  return {};
}

/// A child of level `none` has no limits but that of its time, and none that is set may be ignored.
result<void> check_limits(const sandbox_spec& spec) {
  struct limit {
    std::string_view name;
    bool set;
  };
  for (const auto& [name, set] :
       {limit{"cpu_time", spec.cpu_time.has_value()}, limit{"memory", spec.memory.has_value()},
        limit{"cpu_share", spec.cpu_share.has_value()},
        limit{"address_space", spec.address_space.has_value()},
        limit{"file_size", spec.file_size.has_value()}, limit{"disk", spec.disk.has_value()},
        limit{"open_files", spec.open_files.has_value()},
        limit{"processes", spec.processes.has_value()}})
    if (set && spec.level == sandbox_level::none)
      return wrong(fmt::format("`{}` needs `level: subprocess`, or more", name));
  if (spec.memory && spec.memory->value < sandbox_memory_min)
    return wrong(fmt::format("`memory` must be at least {}: no program begins with less",
                             to_string(byte_count{sandbox_memory_min})));
  if (spec.processes && *spec.processes > sandbox_processes_max)
    return wrong(fmt::format("`processes` must be at most {}", sandbox_processes_max));
  if (spec.cpu_share && (*spec.cpu_share == 0 || *spec.cpu_share > cpu_share_max))
    return wrong(fmt::format("`cpu_share` lies between 1% and {}% of a core", cpu_share_max));
  return {};
}

result<void> check_container(const sandbox_spec& spec) {
  constexpr std::string_view remedy = "needs `level: container`";
  const bool contained = spec.level == sandbox_level::container;
  if (contained && spec.memory && spec.memory->value < container_memory_min)
    return wrong(fmt::format("`memory` of a container must be at least {}: no container begins "
                             "with less",
                             to_string(byte_count{container_memory_min})));
  if (spec.temporary && !contained)
    return wrong(fmt::format("`temporary` {}", remedy));
  if (spec.reuse && !contained)
    return wrong(fmt::format("`reuse` {}", remedy));
  if (!spec.image)
    return {};
  if (!contained)
    return wrong(fmt::format("`image` {}", remedy));
  const std::string& image = *spec.image;
  if (image.size() > container_image_max)
    return wrong(fmt::format("`image` has {} bytes, at most {} are taken", image.size(),
                             container_image_max));
  if (image.starts_with('/') && !is_plain_path(image))
    return wrong(fmt::format("`image`: \"{}\" is no plain path of an archive: write it without "
                             "\"//\", \".\", \"..\" and a slash at its end",
                             printable(image)));
  if (is_archive(image) && !image.starts_with('/') && !is_plain_name(image))
    return wrong(fmt::format("`image`: \"{}\" is no plain path of an archive: it may hold "
                             "letters, digits and ._-/:@+, and begin with no dash",
                             printable(image)));
  // To podman these words say where to fetch from, and all of it with the rights of root.
  constexpr std::array<std::string_view, 11> transports{
      "docker", "docker-archive",     "docker-daemon", "oci", "oci-archive",
      "dir",    "containers-storage", "tarball",       "sif", "ostree",
      "atomic"};
  const auto before = std::string_view(image).substr(0, image.find(':'));
  if (before.size() < image.size()
      && std::find(transports.begin(), transports.end(), before) != transports.end())
    return wrong(
        fmt::format("`image`: \"{}\" says how to fetch it: write the name of an image alone, "
                    "or the path of an archive",
                    printable(image)));
  if (!is_archive(image))
    if (auto fine = check_image_name(image); !fine)
      return wrong(fmt::format("`image`: \"{}\" is neither the name of an image nor the path of an "
                               "archive (.tar, .tar.gz, .tgz, .tar.xz or .tar.zst): {}",
                               printable(image), fine.error().message));
  if (image.starts_with(imported_images))
    return wrong(fmt::format(
        "`image`: names that begin with \"{}\" are maze's own: name the archive", imported_images));
  return {};
}

} // namespace

bool is_archive(std::string_view image) noexcept {
  constexpr std::array<std::string_view, 5> endings{".tar", ".tar.gz", ".tgz", ".tar.xz",
                                                    ".tar.zst"};
  return image.starts_with('/')
         || std::any_of(endings.begin(), endings.end(),
                        [image](std::string_view ending) { return image.ends_with(ending); });
}

const std::string* carried_archive(const sandbox_spec& spec) noexcept {
  const bool carried = spec.level == sandbox_level::container && spec.image
                       && is_archive(*spec.image) && !spec.image->starts_with('/');
  return carried ? &*spec.image : nullptr;
}

result<void> check_sandbox(const sandbox_spec& spec) {
  for (const auto& limit : {spec.wall_time, spec.cpu_time})
    if (limit && *limit <= duration::zero())
      return wrong("a time limit must be longer than nothing");
  if (auto fine = check_limits(spec); !fine)
    return fine;
  constexpr std::string_view remedy = "needs `level: seccomp`, or more";
  if (spec.filesystem == false) {
    if (!spec.sealed())
      return wrong(fmt::format("`allow_filesystem: false` {}: below, a child sees all of the "
                               "machine",
                               remedy));
    if (!spec.readable.empty() || !spec.writable.empty())
      return wrong("`allow_filesystem: false` contradicts the paths that the task sees: take them "
                   "away, with `null` where `defaults` say them");
  }
  if (!spec.sealed()) {
    if (spec.network == false)
      return wrong(fmt::format("`network: false` {}", remedy));
    if (!spec.readable.empty() || !spec.writable.empty())
      return wrong(fmt::format("`{}` {}: below, a child sees all of the machine",
                               spec.readable.empty() ? "writable" : "readable", remedy));
  }
  if (!spec.syscalls.empty() && !spec.sealed())
    return wrong(fmt::format("`syscalls` {}", remedy));
  if (spec.kill_on_violation && spec.level != sandbox_level::seccomp)
    return wrong(fmt::format(
        "`violation: kill` needs `level: seccomp`: at level {} {}", to_string(spec.level),
        spec.sealed() ? "a call that is not allowed can only fail" : "no call is refused"));
  if (auto fine = check_container(spec); !fine)
    return fine;
  if (spec.syscalls.size() > sandbox_syscalls_max)
    return wrong(fmt::format("`syscalls` has {} entries, at most {} are taken",
                             spec.syscalls.size(), sandbox_syscalls_max));
  if (auto fine = check_names("environment", spec.variables, sandbox_variables_max); !fine)
    return fine;
  if (spec.imports)
    if (auto fine = check_names("imports", *spec.imports, sandbox_imports_max); !fine)
      return fine;
  if (auto fine = check_paths("readable", spec.readable); !fine)
    return fine;
  return check_paths("writable", spec.writable);
}

sandbox_offer needed_offer(const sandbox_spec& spec) {
  sandbox_offer out{.variables = spec.variables};
  if (spec.degrade)
    return out;
  out.sealed = spec.level == sandbox_level::seccomp;
  out.container = spec.level == sandbox_level::container;
  // An engine shares out cores by itself.
  out.cpu_shares = spec.cpu_share && !out.container;
  return out;
}

sandbox_spec degraded(sandbox_spec spec, const sandbox_offer& here) {
  if (!spec.degrade)
    return spec;
  if (spec.level == sandbox_level::container && !here.container) {
    spec.level = sandbox_level::seccomp;
    spec.image.reset();
    spec.temporary.reset();
    spec.reuse.reset();
  }
  if (spec.sealed() && spec.level != sandbox_level::container && !here.sealed) {
    spec.level = sandbox_level::subprocess;
    spec.network.reset();
    spec.filesystem.reset();
    spec.readable.clear();
    spec.writable.clear();
    spec.syscalls.clear();
    spec.kill_on_violation = false;
  }
  if (!here.cpu_shares)
    spec.cpu_share.reset();
  return spec;
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
