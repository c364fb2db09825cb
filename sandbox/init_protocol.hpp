#pragma once

#include "maze/core/sandbox_spec.hpp"
#include "maze/sandbox/init_packet.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

/// What the launcher and maze-init say to each other over one SOCK_SEQPACKET socket, one packet per
/// message. Both ends come from one build and run on one machine, so numbers are in host order.
///
/// A packet starts with the message's kind (one byte). Strings are a 32-bit length, the bytes and a
/// NUL that the length does not count. A `launch` packet carries the descriptors for standard output
/// and standard error, for a sealed child one with its filter of system calls, for one whose reads are watched an inotify
/// instance and a table of folders (`file_watch.hpp`), then those that the child gets as 3, 4 and so on; where its body would not fit into `packet_max`, the packet is `launch_memfd` and the last descriptor is
/// a sealed memfd with the body.
namespace maze::sandbox::protocol {

/// Changes with every change of a message; `hello` carries it.
inline constexpr std::uint32_t version = 7;
/// Descriptor on which maze-init finds its socket.
inline constexpr int socket_fd = 3;
/// Bytes of the largest packet: half of Linux' default send buffer keeps room for a second one.
inline constexpr std::size_t packet_max = std::size_t{64} << 10;
/// Bytes of the largest request body: more than ARG_MAX lets execve take, so that execve decides.
inline constexpr std::size_t body_max = std::size_t{64} << 20;
/// Descriptors of a child beside its three streams, and of one packet.
inline constexpr std::size_t inherited_max = 16, descriptors_max = inherited_max + 6;
/// Of a forbidden call whose number nobody knows, and of one of another architecture.
inline constexpr std::int32_t unknown_call = -1, foreign_call = -2;
/// Paths that a sealed child is shown, of each kind.
inline constexpr std::size_t shown_max = 64;

enum class message_kind : std::uint8_t {
  /// maze-init is ready: version, capabilities.
  hello = 1,
  launch = 2,
  launch_memfd = 3,
  stop = 4,
  /// A child's whole tree is gone, or it never started.
  ended = 5,
  /// A launch that is held back must not start any more.
  withdraw = 6,
};

/// The set-up step that failed, in the order in which the steps happen.
enum class stage : std::uint8_t {
  none = 0,
  request,
  process,
  groups,
  pid_namespace,
  mount_namespace,
  proc,
  idmap,
  overlay,
  namespaces,
  root,
  process_group,
  stdio,
  nice,
  oom_score_adj,
  user,
  privileges,
  landlock,
  limits,
  working_directory,
  parent_death_signal,
  filter,
  exec,
};

inline constexpr std::string_view stage_names[] = {"none",
                                                   "request",
                                                   "process",
                                                   "groups",
                                                   "pid_namespace",
                                                   "mount_namespace",
                                                   "proc",
                                                   "idmap",
                                                   "overlay",
                                                   "namespaces",
                                                   "root",
                                                   "process_group",
                                                   "stdio",
                                                   "nice",
                                                   "oom_score_adj",
                                                   "user",
                                                   "privileges",
                                                   "landlock",
                                                   "limits",
                                                   "working_directory",
                                                   "parent_death_signal",
                                                   "filter",
                                                   "exec"};

inline std::string_view to_string(stage x) noexcept {
  const auto index = static_cast<std::size_t>(x);
  return index < std::size(stage_names) ? stage_names[index] : "unknown";
}

/// Why a child ended, as far as maze-init knows; the numbers are those of `exit_cause`.
enum class end_cause : std::uint8_t {
  exited = 1,
  signalled = 2,
  wall_limit = 3,
  cpu_limit = 4,
  stopped = 5,
  setup_failed = 6,
  lost = 7,
  withdrawn = 8,
  memory_limit = 9,
  forbidden_call = 10,
};

/// What a control group does for a child. The value is the position of its bit in `hello::groups`.
enum class group_use : std::uint8_t {
  memory = 0,
  processes = 1,
  cpu_time = 2,
  cpu_share = 3,
};
inline constexpr std::size_t group_uses = 4;

/// What a sealed child sees of the machine: every pointer leads into the packet. The paths are the same inside.
struct shown_view {
  /// Shown as they are on the machine, where they are, and never writable. A symbolic link is made again.
  std::vector<const char*> system;
  /// The same for what has to be there.
  std::vector<const char*> readable;
  /// Writable as far as the child's user may write there.
  std::vector<const char*> writable;
  /// Bytes of /tmp, which is the child's own and lies in memory.
  std::uint64_t temporary_max = 0;
  bool network = false;
  /// Its filter allows objects that outlive processes: its namespaces serve nobody else.
  bool single_use = false;
};

/// A request as maze-init reads it: every pointer leads into the packet.
struct launch_view {
  std::uint64_t id = 0;
  /// Held back until this child's tree is gone; 0: starts at once.
  std::uint64_t after = 0;
  /// Both lists end with a null pointer, as execve wants them.
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* working_directory = "";
  bool has_overlay = false;
  std::vector<const char*> lower;
  const char* upper = "";
  const char* work = "";
  const char* mount_point = "";
  /// As whose the lower layers appear.
  bool has_owner = false;
  std::uint32_t owner_uid = 0;
  std::uint32_t owner_gid = 0;
  bool has_user = false;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  core::sandbox_spec sandbox;
  /// Of a sealed child only.
  shown_view shown;
  std::int32_t nice = 0;
  std::int32_t oom_score_adj = 0;
  /// Somebody wants to know what it reads in its taskspace.
  bool watched = false;
  /// How many descriptors follow those that are not the child's.
  std::uint32_t inherited = 0;

  /// Whether it has a filter, and a root and namespaces or what stands in for these.
  [[nodiscard]] bool sealed() const noexcept { return sandbox.sealed(); }
  /// How many descriptors come before those that the child inherits.
  [[nodiscard]] std::size_t own_descriptors() const noexcept {
    return std::size_t{2} + (sealed() ? 1 : 0) + (watched ? 2 : 0);
  }
  /// The child's user, where the process that asks is its maze-init or a child of that.
  [[nodiscard]] std::uint32_t user() const noexcept { return has_user ? uid : ::geteuid(); }
  /// The folder that a sealed child may write to; null where it begins in `/` and has none.
  [[nodiscard]] const char* taskspace() const noexcept {
    const char* const found = has_overlay ? mount_point : working_directory;
    return found[0] == '/' && found[1] == '\0' ? nullptr : found;
  }
};

struct stop_request {
  std::uint64_t id = 0;
  std::uint64_t grace_ms = 0;
};

struct withdraw_request {
  std::uint64_t id = 0;
};

struct hello {
  std::uint32_t version = 0;
  bool user_namespaces = false;
  bool pid_namespaces = false;
  bool overlay = false;
  bool idmapped_overlay = false;
  bool other_users = false;
  /// Whether level seccomp can be had; if not, at which step it failed, and why.
  bool sealed = false;
  stage sealed_failed = stage::none;
  std::int32_t sealed_errno = 0;
  /// Level seccomp is had without namespaces: Landlock and the filter stand where they would.
  bool walled = false;
  /// Version of Landlock; 0: there is none.
  std::int32_t landlock = 0;
  /// Bits of `group_use`, as far as looking tells.
  std::uint8_t groups = 0;
};

/// How a child ended.
struct ended {
  std::uint64_t id = 0;
  end_cause cause = end_cause::exited;
  /// As wait(2) fills it; 0 for `setup_failed`.
  std::int32_t wait_status = 0;
  stage failed = stage::none;
  std::int32_t error_number = 0;
  /// What the failed step was about: a path, a limit, a program. Of a forbidden call its program's name, and its number.
  std::string subject;
  std::int32_t syscall = unknown_call;
  std::int64_t wall_ns = 0;
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::uint64_t memory_peak = 0;
  /// Processes and threads that did not begin because the tree had as many as its group allows.
  std::uint64_t refused_processes = 0;
  /// Bits of core::fence: what stood from its first instruction on.
  std::uint16_t fences = 0;
};

namespace detail {

inline std::optional<std::uint64_t> count_of(const std::optional<core::duration>& x) {
  return x ? std::optional{static_cast<std::uint64_t>(x->count())} : std::nullopt;
}
inline std::optional<std::uint64_t> count_of(const std::optional<core::byte_count>& x) {
  return x ? std::optional{x->value} : std::nullopt;
}

inline bool read_limits(reader& in, core::sandbox_spec& x) {
  std::optional<std::uint64_t> wall, cpu, space, file, memory, share;
  std::uint8_t level = 0;
  if (!in.flag(x.kill_on_violation) || !in.number(level) || !in.maybe(wall) || !in.maybe(cpu)
      || !in.maybe(space) || !in.maybe(file) || !in.maybe(x.open_files) || !in.maybe(x.processes)
      || !in.maybe(memory) || !in.maybe(share))
    return false;
  x.level = static_cast<core::sandbox_level>(level);
  constexpr auto duration_max = static_cast<std::uint64_t>(core::duration::max().count());
  if (!core::is_known(x.level) || wall.value_or(0) > duration_max || cpu.value_or(0) > duration_max
      || share.value_or(1) == 0 || share.value_or(1) > core::cpu_share_max
      || (x.kill_on_violation && x.level != core::sandbox_level::seccomp))
    return false;
  if (wall)
    x.wall_time = core::duration(static_cast<std::int64_t>(*wall));
  if (cpu)
    x.cpu_time = core::duration(static_cast<std::int64_t>(*cpu));
  if (space)
    x.address_space = core::byte_count{*space};
  if (file)
    x.file_size = core::byte_count{*file};
  if (memory)
    x.memory = core::byte_count{*memory};
  if (share)
    x.cpu_share = static_cast<std::uint32_t>(*share);
  return true;
}

inline bool read_shown(reader& in, shown_view& x) {
  const auto paths = [&in](std::vector<const char*>& list) {
    return in.texts(list) && list.size() <= shown_max
           && std::all_of(list.begin(), list.end(), [](const char* x) { return *x == '/'; });
  };
  return paths(x.system) && paths(x.readable) && paths(x.writable) && in.number(x.temporary_max)
         && in.flag(x.network) && in.flag(x.single_use);
}

} // namespace detail

/// The body of a `launch` packet, without its kind; `false` for bytes that are not one.
inline bool decode_launch(char* data, std::size_t size, launch_view& x) {
  reader in(data, size);
  if (!in.number(x.id) || !in.number(x.after) || x.after == x.id || !in.texts(x.argv)
      || x.argv.empty() || !in.texts(x.environment) || !in.text(x.working_directory)
      || !in.flag(x.has_overlay))
    return false;
  if (x.has_overlay
      && (!in.texts(x.lower) || x.lower.empty() || !in.text(x.upper) || !in.text(x.work)
          || !in.text(x.mount_point) || !in.flag(x.has_owner) || !in.number(x.owner_uid)
          || !in.number(x.owner_gid)))
    return false;
  if (!in.flag(x.has_user) || !in.number(x.uid) || !in.number(x.gid)
      || !detail::read_limits(in, x.sandbox) || (x.sealed() && !detail::read_shown(in, x.shown))
      || !in.number(x.nice) || !in.number(x.oom_score_adj) || !in.flag(x.watched)
      || !in.number(x.inherited) || x.inherited > inherited_max || !in.done())
    return false;
  x.argv.push_back(nullptr);
  x.environment.push_back(nullptr);
  return true;
}

/// Limits as `decode_launch` reads them.
inline void encode_limits(writer& out, const core::sandbox_spec& x) {
  out.number(x.kill_on_violation);
  out.number(x.level);
  out.maybe(detail::count_of(x.wall_time));
  out.maybe(detail::count_of(x.cpu_time));
  out.maybe(detail::count_of(x.address_space));
  out.maybe(detail::count_of(x.file_size));
  out.maybe(x.open_files);
  out.maybe(x.processes);
  out.maybe(detail::count_of(x.memory));
  out.maybe(x.cpu_share);
}

inline std::string encode(const hello& x) {
  writer out;
  out.number(message_kind::hello);
  out.number(x.version);
  for (const bool flag : {x.user_namespaces, x.pid_namespaces, x.overlay, x.idmapped_overlay,
                          x.other_users, x.sealed, x.walled})
    out.number(flag);
  out.number(x.sealed_failed);
  out.number(x.sealed_errno);
  out.number(x.landlock);
  out.number(x.groups);
  return out.take();
}

inline bool decode(reader& in, hello& x) noexcept {
  return in.number(x.version) && x.version == version && in.flag(x.user_namespaces)
         && in.flag(x.pid_namespaces) && in.flag(x.overlay) && in.flag(x.idmapped_overlay)
         && in.flag(x.other_users) && in.flag(x.sealed) && in.flag(x.walled)
         && in.number(x.sealed_failed) && x.sealed_failed <= stage::exec
         && in.number(x.sealed_errno) && in.number(x.landlock) && in.number(x.groups) && in.done();
}

inline std::string encode(const stop_request& x) {
  writer out;
  out.number(message_kind::stop);
  out.number(x.id);
  out.number(x.grace_ms);
  return out.take();
}

inline bool decode(reader& in, stop_request& x) noexcept {
  return in.number(x.id) && in.number(x.grace_ms) && in.done();
}

inline std::string encode(const withdraw_request& x) {
  writer out;
  out.number(message_kind::withdraw);
  out.number(x.id);
  return out.take();
}

inline bool decode(reader& in, withdraw_request& x) noexcept {
  return in.number(x.id) && in.done();
}

inline std::string encode(const ended& x) {
  writer out;
  out.number(message_kind::ended);
  out.number(x.id);
  out.number(x.cause);
  out.number(x.wait_status);
  out.number(x.failed);
  out.number(x.error_number);
  out.text(std::string_view(x.subject).substr(0, packet_max / 2));
  out.number(x.syscall);
  out.number(x.wall_ns);
  out.number(x.user_ns);
  out.number(x.system_ns);
  out.number(x.memory_peak);
  out.number(x.refused_processes);
  out.number(x.fences);
  return out.take();
}

inline bool decode(reader& in, ended& x) {
  const char* subject = "";
  if (!in.number(x.id) || !in.number(x.cause) || !in.number(x.wait_status) || !in.number(x.failed)
      || !in.number(x.error_number) || !in.text(subject) || !in.number(x.syscall)
      || !in.number(x.wall_ns) || !in.number(x.user_ns) || !in.number(x.system_ns)
      || !in.number(x.memory_peak) || !in.number(x.refused_processes) || !in.number(x.fences)
      || !in.done())
    return false;
  x.subject = subject;
  return x.cause >= end_cause::exited && x.cause <= end_cause::forbidden_call;
}

} // namespace maze::sandbox::protocol
