#include "maze/sandbox/container_command.hpp"

#include "maze/io/files.hpp"
#include "maze/io/hash.hpp"
#include "maze/sandbox/enter_packet.hpp"
#include "maze/sandbox/image_script.hpp"
#include "maze/sandbox/shown_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>

namespace maze::sandbox {

namespace {

using words = std::vector<std::string>;

constexpr const char* owner_label = "maze.node";

words begin(const container_engine& engine) {
  words out{engine.program.native()};
  out.insert(out.end(), engine.options.begin(), engine.options.end());
  return out;
}

core::result<void> check_path(const std::filesystem::path& path) {
  if (path.native().find_first_of(",\"\n") != std::string::npos)
    return core::fail(core::errc::invalid_argument,
                      fmt::format("a container cannot be shown {}: its path has a comma, a "
                                  "quotation mark or a line break",
                                  path.native()),
                      "launch");
  return {};
}

core::result<std::string> mount_option(const container_mount& x) {
  for (const auto* path : {&x.from, &x.to})
    if (auto fine = check_path(*path); !fine)
      return core::fail(fine.error());
  return fmt::format("type=bind,source={},target={}{}", x.from.native(), x.to.native(),
                     x.writable ? "" : ",readonly");
}

std::string limit(std::string_view name, std::uint64_t value) {
  return fmt::format("--ulimit={0}={1}:{1}", name, value);
}

void add_limits(words& to, const container_engine& engine, const core::sandbox_spec& spec) {
  const auto memory = spec.memory.value_or(core::container_memory).value;
  const std::uint32_t share = spec.cpu_share.value_or(core::container_cpu_share);
  to.push_back(fmt::format("--memory={}", memory));
  // No swap: what a task may use is what was said.
  to.push_back(fmt::format("--memory-swap={}", memory));
  to.push_back(fmt::format("--cpus={}.{:02}", share / 100, share % 100));
  // The program that begins the task is one more.
  to.push_back(
      fmt::format("--pids-limit={}", spec.processes.value_or(core::container_processes) + 1));
  // Podman and runc give it owner and mode of what the image has there, which may be closed to the task: so it is made
  // the owner.
  to.push_back(fmt::format("--tmpfs=/tmp:rw,nosuid,nodev,mode=1777,size={}{}",
                           spec.temporary.value_or(core::container_temporary).value,
                           engine.kind == engine_kind::podman ? ",notmpcopyup,U" : ""));
  if (engine.open_files)
    to.push_back(limit("nofile", *engine.open_files));
  if (engine.processes)
    to.push_back(limit("nproc", *engine.processes));
  // Not 0, where that may be: with it the kernel would still start the program that the machine has for crashes.
  to.push_back(limit("core", std::min<std::uint64_t>(1, engine.core.value_or(1))));
}

/// What its first process needs to make a room for each task; the task has nothing of it.
core::result<void> let_it_stay(words& to, const container_start& x) {
  if (auto fine = check_path(x.folders); !fine)
    return fine;
  to.emplace_back("--user=0:0");
  for (const char* each : {"SYS_ADMIN", "SETUID", "SETGID", "SETPCAP", "KILL"})
    to.push_back(fmt::format("--cap-add={}", each));
  // Profiles of engines forbid mounts.
  to.emplace_back("--security-opt=apparmor=unconfined");
  if (!x.folders.empty())
    to.insert(to.end(),
              {"--mount", fmt::format("type=tmpfs,destination={},tmpfs-mode=0755,tmpfs-size=65536",
                                      x.folders.native())});
  return {};
}

/// Removes the control groups whose paths fit `tests` of find(1). Only what is empty can be removed, and what was killed in there takes a moment to end.
std::string group_removal(const std::string& tests) {
  return fmt::format(
      "for try in 1 2 3 4 5 6 7 8 9 10; do "
      "find /sys/fs/cgroup -depth -type d {0} -exec rmdir {{}} + 2>/dev/null; "
      "[ \"$(find /sys/fs/cgroup -type d {0} -print -quit)\" ] || break; sleep 0.2; done",
      tests);
}

/// Podman fails to stop a container whose monitor was killed, because nobody tells it of the end; it finds that out, and keeps the container until it is
/// asked again. It may forget the control groups that it made for it without systemd: those have the container's name.
std::string removal_words(const container_engine& engine, const std::string& name) {
  const std::string program = shell_words(begin(engine));
  const std::string remove = fmt::format("{0} rm --force {1} || {0} rm --force {1}", program, name);
  if (engine.kind != engine_kind::podman)
    return remove;
  return fmt::format(
      "id=$({0} inspect --type container --format {1} {2}); {3}; [ -z \"$id\" ] || {4}", program,
      shell_words({"{{.Id}}"}), name, remove, group_removal("-path \"*/libpod-$id*\""));
}

} // namespace

core::result<words> run_command(const container_engine& engine, const container_start& x) {
  words out = begin(engine);
  out.insert(out.end(), {"run", "--rm", "--pull=never", "--log-driver=none", "--name", x.name,
                         "--label", fmt::format("{}={}", owner_label, x.owner)});
  // With host its loopback is the node's, as it is at the levels below.
  out.emplace_back(x.sandbox.has_network() ? "--network=host" : "--network=none");
  if (x.sandbox.has_network())
    // Else it had the machine's.
    out.emplace_back("--hostname=maze");
  out.emplace_back("--cgroupns=private");
  out.insert(out.end(), {"--read-only", "--security-opt=no-new-privileges", "--cap-drop=ALL",
                         "--no-healthcheck"});
  if (engine.kind == engine_kind::podman) {
    // Else it makes more folders writable than /tmp: its own, and those that an image names.
    out.insert(out.end(), {"--interactive", "--read-only-tmpfs=false", "--image-volume=ignore"});
    if (x.inherited > 0)
      out.push_back(fmt::format("--preserve-fds={}", x.inherited));
    if (makes_groups(engine))
      out.push_back(fmt::format("--cgroup-parent=/{}", x.group));
  }
  add_limits(out, engine, x.sandbox);
  if (x.stays) {
    if (auto may = let_it_stay(out, x); !may)
      return core::fail(may.error());
  } else if (x.user)
    out.push_back(fmt::format("--user={}:{}", x.user->uid, x.user->gid));
  const auto show = [&out](const container_mount& each) -> core::result<void> {
    auto option = mount_option(each);
    if (!option)
      return core::fail(option.error());
    out.insert(out.end(), {"--mount", std::move(*option)});
    return {};
  };
  for (const container_mount& each : x.mounts)
    if (auto shown = show(each); !shown)
      return core::fail(shown.error());
  if (!hands_descriptors_on(engine))
    if (auto shown = show({x.door / enter::name_of_door, container_door, false}); !shown)
      return core::fail(shown.error());
  for (const std::filesystem::path& device : x.devices) {
    if (device.native().find(':') != std::string::npos)
      return core::fail(core::errc::invalid_argument,
                        fmt::format("a container cannot have the device {}: its path has a colon",
                                    device.native()),
                        "launch");
    out.push_back("--device=" + device.native());
  }
  out.insert(out.end(), {"--entrypoint", container_enter, x.image.name});
  if (!hands_descriptors_on(engine))
    out.insert(out.end(), {"at", container_door});
  out.insert(out.end(), x.arguments.begin(), x.arguments.end());
  return out;
}

std::string shell_words(const words& all) {
  std::string out;
  for (const std::string& each : all) {
    out += out.empty() ? "'" : " '";
    for (const char c : each)
      if (c == '\'')
        out += "'\\''";
      else
        out += c;
    out += '\'';
  }
  return out;
}

core::result<container_image> image_of(const launch_request& request,
                                       const std::filesystem::path& records) {
  const std::string image = request.sandbox.image.value_or(std::string(core::container_image));
  if (const auto& own = request.archive)
    return container_image{fmt::format("{}run-{}", image_prefix(records), own->version), own->path,
                           image};
  if (!core::is_archive(image))
    return container_image{image, {}, image};
  if (!image.starts_with('/'))
    return core::fail(core::errc::not_found,
                      fmt::format("the archive {} did not come with the run", image), "launch");
  const auto archive = shown_path(image, request.user, true);
  if (!archive)
    return core::fail(archive.error());
  struct stat status {};
  if (::stat(archive->c_str(), &status) != 0)
    return core::fail(io::errno_error(fmt::format("look at {}", image), errno));
  const auto stamp =
      fmt::format("{} {} {} {} {}.{} {}.{}", archive->native(), status.st_dev, status.st_ino,
                  status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                  // Times of contents can be set.
                  status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
  return container_image{image_prefix(records) + to_string(io::hash_bytes(stamp)), *archive, image};
}

std::string engine_words(const container_engine& engine) { return shell_words(begin(engine)); }

std::string removal_script(const container_engine& engine, const std::vector<std::string>& names) {
  return fmt::format("for name in {}; do {{ {}; }} & done; wait", shell_words(names),
                     removal_words(engine, "\"$name\""));
}

std::string container_prefix(pid_t node, std::string_view word) {
  return fmt::format("maze-{}-{}-", node, word);
}

std::string farewell_script(const container_engine& engine, const std::string& owner,
                            const std::string& group) {
  const std::string program = shell_words(begin(engine));
  // One program for all: each takes as long to start as a container to go. Both may fail over a container that goes meanwhile,
  // be it another node's.
  std::string out = fmt::format(
      "for try in 1 2 3 4 5; do names=$({0} ps --all --quiet --filter {1}) || continue; "
      "[ \"$names\" ] || break; {0} rm --force $names; done",
      program, shell_words({fmt::format("label={}={}", owner_label, owner)}));
  if (makes_groups(engine))
    // The monitors of containers are in there, and end a moment later than those.
    out += "; " + group_removal(fmt::format("-path {}", shell_words({"*/" + group + "*"})));
  return out;
}

std::string sweep_script(const container_engine& engine, const std::string& owner,
                         const std::string& spared) {
  const char* const label = engine.kind == engine_kind::podman
                                ? "{{.Names}} {{index .Labels \"maze.node\"}}"
                                : "{{.Names}} {{.Label \"maze.node\"}}";
  std::string out = fmt::format(
      "for try in 1 2 3; do list=$({0} ps --all --filter label={1} --format {2}) && break; done; "
      "echo \"$list\" | while read -r name folder; do [ \"$name\" ] || continue; "
      "case $name in {3}*) continue ;; esac; "
      "[ \"$folder\" != {4} ] && [ -e \"$folder\" ] || {{ {5}; }}; "
      "done",
      shell_words(begin(engine)), owner_label, shell_words({label}), shell_words({spared}),
      shell_words({owner}), removal_words(engine, "\"$name\""));
  if (makes_groups(engine))
    // Of nodes that are gone, which is all that is left of some containers.
    out += "; for dir in /sys/fs/cgroup/maze-*-groups /sys/fs/cgroup/*/maze-*-groups; do "
           "pid=${dir##*/maze-}; [ -e /proc/\"${pid%%-*}\" ] || "
           "find \"$dir\" -depth -type d -exec rmdir {} + 2>/dev/null; done";
  return out;
}

} // namespace maze::sandbox
