#pragma once

#include "maze/core/sandbox_spec.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the launcher and maze-init say to each other over one SOCK_SEQPACKET socket, one packet per
/// message. Both ends come from one build and run on one machine, so numbers are in host order.
///
/// A packet starts with the message's kind (one byte). Strings are a 32-bit length, the bytes and a
/// NUL that the length does not count. A `launch` packet carries the descriptors for standard output
/// and standard error, then those that the child gets as 3, 4 and so on; where its body would not fit into
/// `packet_max`, the packet is `launch_memfd` and the last descriptor is a sealed memfd with the body.
namespace maze::sandbox::protocol {

/// Changes with every change of a message; `hello` carries it.
inline constexpr std::uint32_t version = 3;
/// Descriptor on which maze-init finds its socket.
inline constexpr int socket_fd = 3;
/// Bytes of the largest packet: half of Linux' default send buffer keeps room for a second one.
inline constexpr std::size_t packet_max = std::size_t{64} << 10;
/// Bytes of the largest request body: more than ARG_MAX lets execve take, so that execve decides.
inline constexpr std::size_t body_max = std::size_t{64} << 20;
/// Descriptors of a child beside its three streams.
inline constexpr std::size_t inherited_max = 16;

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
  pid_namespace,
  mount_namespace,
  proc,
  idmap,
  overlay,
  process_group,
  stdio,
  nice,
  oom_score_adj,
  limits,
  user,
  privileges,
  working_directory,
  parent_death_signal,
  exec,
};

inline constexpr std::string_view stage_names[] = {"none",
                                                   "request",
                                                   "process",
                                                   "pid_namespace",
                                                   "mount_namespace",
                                                   "proc",
                                                   "idmap",
                                                   "overlay",
                                                   "process_group",
                                                   "stdio",
                                                   "nice",
                                                   "oom_score_adj",
                                                   "limits",
                                                   "user",
                                                   "privileges",
                                                   "working_directory",
                                                   "parent_death_signal",
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
  bool has_user = false;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  core::sandbox_spec sandbox;
  std::int32_t nice = 0;
  std::int32_t oom_score_adj = 0;
  /// How many descriptors follow those of the streams.
  std::uint32_t inherited = 0;
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
};

/// How a child ended.
struct ended {
  std::uint64_t id = 0;
  end_cause cause = end_cause::exited;
  /// As wait(2) fills it; 0 for `setup_failed`.
  std::int32_t wait_status = 0;
  stage failed = stage::none;
  std::int32_t error_number = 0;
  /// What the failed step was about: a path, a limit, a program.
  std::string subject;
  std::int64_t wall_ns = 0;
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::uint64_t memory_peak = 0;
  bool pid_namespace = false;
};

/// Appends numbers and strings to a packet.
class writer {
public:
  template <class T>
  void number(T x) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    out_.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  void text(std::string_view x) {
    number(static_cast<std::uint32_t>(x.size()));
    out_.append(x);
    out_.push_back('\0');
  }
  template <class Rep>
  void maybe(const std::optional<Rep>& x) {
    number(static_cast<std::uint8_t>(x.has_value()));
    if (x)
      number(static_cast<std::uint64_t>(*x));
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  std::string out_;
};

/// Takes numbers and strings from a packet; every read after the first failure fails as well.
class reader {
public:
  reader(char* data, std::size_t size) noexcept : at_(data), left_(size) {}

  template <class T>
  bool number(T& x) noexcept {
    if (!ok_ || left_ < sizeof x)
      return ok_ = false;
    std::memcpy(&x, at_, sizeof x);
    advance(sizeof x);
    return true;
  }
  /// Only 0 and 1 are flags.
  bool flag(bool& x) noexcept {
    std::uint8_t raw = 0;
    if (!number(raw) || raw > 1)
      return ok_ = false;
    x = raw == 1;
    return true;
  }
  /// A C string inside the packet; a NUL inside the text is refused.
  bool text(char*& x) noexcept {
    std::uint32_t size = 0;
    if (!number(size) || left_ <= size || at_[size] != '\0'
        || std::memchr(at_, '\0', size) != nullptr)
      return ok_ = false;
    x = at_;
    advance(std::size_t{size} + 1);
    return true;
  }
  bool text(const char*& x) noexcept {
    char* found = nullptr;
    if (!text(found))
      return false;
    x = found;
    return true;
  }
  template <class Pointer>
  bool texts(std::vector<Pointer>& list) {
    std::uint32_t count = 0;
    // A text takes at least five bytes, so a count beyond that is a lie that must cost no memory.
    if (!number(count) || count > left_ / 5)
      return ok_ = false;
    list.resize(count);
    for (auto& x : list)
      if (!text(x))
        return false;
    return true;
  }
  bool maybe(std::optional<std::uint64_t>& x) {
    bool present = false;
    std::uint64_t value = 0;
    if (!flag(present))
      return false;
    if (present && number(value))
      x = value;
    return ok_;
  }
  [[nodiscard]] bool done() const noexcept { return ok_ && left_ == 0; }

private:
  void advance(std::size_t count) noexcept {
    at_ += count;
    left_ -= count;
  }

  char* at_;
  std::size_t left_;
  bool ok_ = true;
};

namespace detail {

inline std::optional<std::uint64_t> count_of(const std::optional<core::duration>& x) {
  return x ? std::optional{static_cast<std::uint64_t>(x->count())} : std::nullopt;
}
inline std::optional<std::uint64_t> count_of(const std::optional<core::byte_count>& x) {
  return x ? std::optional{x->value} : std::nullopt;
}

inline bool read_limits(reader& in, core::sandbox_spec& x) {
  std::optional<std::uint64_t> wall, cpu, space, file;
  std::uint8_t level = 0;
  if (!in.number(level) || level > static_cast<std::uint8_t>(core::sandbox_level::container)
      || !in.maybe(wall) || !in.maybe(cpu) || !in.maybe(space) || !in.maybe(file)
      || !in.maybe(x.open_files) || !in.maybe(x.processes))
    return false;
  constexpr auto duration_max = static_cast<std::uint64_t>(core::duration::max().count());
  if (wall.value_or(0) > duration_max || cpu.value_or(0) > duration_max)
    return false;
  x.level = static_cast<core::sandbox_level>(level);
  if (wall)
    x.wall_time = core::duration(static_cast<std::int64_t>(*wall));
  if (cpu)
    x.cpu_time = core::duration(static_cast<std::int64_t>(*cpu));
  if (space)
    x.address_space = core::byte_count{*space};
  if (file)
    x.file_size = core::byte_count{*file};
  return true;
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
          || !in.text(x.mount_point)))
    return false;
  if (!in.flag(x.has_user) || !in.number(x.uid) || !in.number(x.gid)
      || !detail::read_limits(in, x.sandbox) || !in.number(x.nice) || !in.number(x.oom_score_adj)
      || !in.number(x.inherited) || x.inherited > inherited_max || !in.done())
    return false;
  x.argv.push_back(nullptr);
  x.environment.push_back(nullptr);
  return true;
}

/// Limits as `decode_launch` reads them.
inline void encode_limits(writer& out, const core::sandbox_spec& x) {
  out.number(x.level);
  out.maybe(detail::count_of(x.wall_time));
  out.maybe(detail::count_of(x.cpu_time));
  out.maybe(detail::count_of(x.address_space));
  out.maybe(detail::count_of(x.file_size));
  out.maybe(x.open_files);
  out.maybe(x.processes);
}

inline std::string encode(const hello& x) {
  writer out;
  out.number(message_kind::hello);
  out.number(x.version);
  for (const bool flag :
       {x.user_namespaces, x.pid_namespaces, x.overlay, x.idmapped_overlay, x.other_users})
    out.number(flag);
  return out.take();
}

inline bool decode(reader& in, hello& x) noexcept {
  return in.number(x.version) && x.version == version && in.flag(x.user_namespaces)
         && in.flag(x.pid_namespaces) && in.flag(x.overlay) && in.flag(x.idmapped_overlay)
         && in.flag(x.other_users) && in.done();
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
  out.number(x.wall_ns);
  out.number(x.user_ns);
  out.number(x.system_ns);
  out.number(x.memory_peak);
  out.number(x.pid_namespace);
  return out.take();
}

inline bool decode(reader& in, ended& x) {
  const char* subject = "";
  if (!in.number(x.id) || !in.number(x.cause) || !in.number(x.wait_status) || !in.number(x.failed)
      || !in.number(x.error_number) || !in.text(subject) || !in.number(x.wall_ns)
      || !in.number(x.user_ns) || !in.number(x.system_ns) || !in.number(x.memory_peak)
      || !in.flag(x.pid_namespace) || !in.done())
    return false;
  x.subject = subject;
  return x.cause >= end_cause::exited && x.cause <= end_cause::withdrawn;
}

} // namespace maze::sandbox::protocol
