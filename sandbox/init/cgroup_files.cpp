#include "maze/sandbox/init/cgroup_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

constexpr std::string_view none_v1 = "-1";
constexpr std::string_view none_v2 = "max";
/// What an earlier child left of its files in memory, beyond which it is
/// removed before the next one is counted.
constexpr std::uint64_t leftover_max = std::uint64_t{1} << 20;
constexpr std::uint64_t period_us = 100'000;

std::string read_at(int folder, const char* name) {
  const io::unique_fd fd(::openat(folder, name, O_RDONLY | O_CLOEXEC));
  std::string out;
  std::array<char, 1024> buffer{};
  for (ssize_t got = 1; fd && got > 0;)
    if (got = ::read(fd.get(), buffer.data(), buffer.size()); got > 0)
      out.append(buffer.data(), static_cast<std::size_t>(got));
  return out;
}

bool write_at(int folder, const char* name, std::string_view text) {
  const io::unique_fd fd(::openat(folder, name, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// The same for what not every kernel has.
bool write_if_there(int folder, const char* name, std::string_view text) {
  return write_at(folder, name, text) || errno == ENOENT;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc())
    return std::nullopt;
  return out;
}

/// The number behind `name ` at the beginning of a line.
std::optional<std::uint64_t> number_of(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const auto line = text.substr(at, text.find('\n', at) - at);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ' ')
      return number_in(line.substr(name.size() + 1));
    at += line.size() + 1;
  }
  return std::nullopt;
}

/// Nothing is a word of every list.
bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = 0; !word.empty() && at < text.size();) {
    const auto end = std::min(text.find_first_of(" \n", at), text.size());
    if (text.substr(at, end - at) == word)
      return true;
    at = end + 1;
  }
  return word.empty();
}

const char* write_memory(const cgroup_leaf& leaf, bool unified, std::string_view text) {
  const int in = leaf.folder.get();
  if (unified)
    return write_at(in, "memory.max", text) ? nullptr : "memory.max";
  // The second must never be below the first.
  if (!write_if_there(in, "memory.memsw.limit_in_bytes", none_v1))
    return "memory.memsw.limit_in_bytes";
  if (!write_at(in, "memory.limit_in_bytes", text)) {
    if (errno != EBUSY || !write_at(in, "memory.force_empty", "0")
        || !write_at(in, "memory.limit_in_bytes", text))
      return "memory.limit_in_bytes";
  }
  return write_if_there(in, "memory.memsw.limit_in_bytes", text) ? nullptr
                                                                 : "memory.memsw.limit_in_bytes";
}

const char* write_share(const cgroup_leaf& leaf, bool unified, std::string_view quota) {
  const char* const name = unified ? "cpu.max" : "cpu.cfs_quota_us";
  std::string text(quota);
  if (unified)
    text += " " + std::to_string(period_us);
  else if (!write_at(leaf.folder.get(), "cpu.cfs_period_us", std::to_string(period_us)))
    return "cpu.cfs_period_us";
  return write_at(leaf.folder.get(), name, text) ? nullptr : name;
}

} // namespace

const use_names& names_of(group_use use) {
  static constexpr std::array<use_names, group_uses> names{{
      {"memory", "memory"},
      {"pids", "pids"},
      {"cpuacct", ""},
      {"cpu", "cpu"},
  }};
  return names[static_cast<std::size_t>(use)];
}

std::vector<cgroup_place> own_places() {
  return find_cgroup_places(read_text("/proc/self/cgroup"), read_text("/proc/self/mountinfo"));
}

std::uint8_t uses_of_version_1(const std::vector<cgroup_place>& places) {
  std::uint8_t out = 0;
  for (std::size_t i = 0; i < group_uses; ++i)
    for (const cgroup_place& place : places)
      if (const auto use = static_cast<group_use>(i);
          std::find(place.controllers.begin(), place.controllers.end(), names_of(use).controller)
          != place.controllers.end())
        out |= bit_of(use);
  return out;
}

std::uint8_t uses_in(const std::string& list) {
  const std::string text = read_text(list);
  std::uint8_t out = 0;
  for (std::size_t i = 0; i < group_uses; ++i)
    if (const auto use = static_cast<group_use>(i); has_word(text, names_of(use).enabled_by))
      out |= bit_of(use);
  return out;
}

bool is_open_to_us(const std::string& folder) {
  return ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0
         // Whoever moves between two groups must be allowed to in the one above both.
         && ::access((folder + "/cgroup.procs").c_str(), W_OK) == 0;
}

io::unique_fd enter_gate(const std::string& folder) {
  constexpr int tries_max = 200;
  io::unique_fd out(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; out && i < tries_max; ++i) {
    if (::flock(out.get(), LOCK_EX | LOCK_NB) == 0)
      return out;
    constexpr timespec moment{0, 1'000'000};
    ::nanosleep(&moment, nullptr);
  }
  return {};
}

bool protect_groups() noexcept {
  mount_attr wanted{};
  wanted.attr_set = MOUNT_ATTR_RDONLY;
  return ::syscall(SYS_mount_setattr, AT_FDCWD, "/sys/fs/cgroup", AT_RECURSIVE, &wanted,
                   sizeof wanted)
             == 0
         || errno == ENOENT || errno == EINVAL;
}

std::string read_text(const std::string& path) { return read_at(AT_FDCWD, path.c_str()); }

bool write_text(const std::string& path, std::string_view text) {
  return write_at(AT_FDCWD, path.c_str(), text);
}

const char* limit_memory(cgroup_leaf& leaf, bool unified, std::uint64_t bytes) {
  const int in = leaf.folder.get();
  if (leaf.memory != bytes) {
    if (unified && !write_if_there(in, "memory.swap.max", "0"))
      return "memory.swap.max";
    // Half a tree is of no use to anybody.
    if (unified && !write_if_there(in, "memory.oom.group", "1"))
      return "memory.oom.group";
    leaf.memory.reset();
    if (const char* const failed = write_memory(leaf, unified, std::to_string(bytes)))
      return failed;
    leaf.memory = bytes;
  }
  if (!unified) {
    if (!write_at(in, "memory.max_usage_in_bytes", "0"))
      return "memory.max_usage_in_bytes";
  }
  leaf.oom_kills = read_oom_kills(leaf);
  return nullptr;
}

const char* limit_processes(cgroup_leaf& leaf, std::uint64_t count) {
  if (leaf.processes != count) {
    leaf.processes.reset();
    if (!write_at(leaf.folder.get(), "pids.max", std::to_string(count)))
      return "pids.max";
    leaf.processes = count;
  }
  leaf.refused_processes = read_refused_processes(leaf);
  return nullptr;
}

const char* limit_cpu_share(cgroup_leaf& leaf, bool unified, std::uint32_t percent) {
  if (leaf.cpu_share == percent)
    return nullptr;
  leaf.cpu_share.reset();
  if (const char* const failed =
          write_share(leaf, unified, std::to_string(percent * (period_us / 100))))
    return failed;
  leaf.cpu_share = percent;
  return nullptr;
}

const char* begin_cpu_time(cgroup_leaf& leaf, bool unified) {
  const auto now = read_cpu_ns(leaf);
  leaf.cpu_ns = now.value_or(0);
  return now ? nullptr : unified ? "cpu.stat" : "cpuacct.usage";
}

const char* lift_limits(cgroup_leaf& leaf, bool unified, const group_offer& keep) {
  const auto stale = [&keep](group_use use, bool set) {
    return set && !keep[static_cast<std::size_t>(use)];
  };
  const std::string_view none = unified ? none_v2 : none_v1;
  if (stale(group_use::memory, leaf.memory.has_value())) {
    if (const char* const failed = write_memory(leaf, unified, none))
      return failed;
    leaf.memory.reset();
  }
  if (stale(group_use::processes, leaf.processes.has_value())) {
    if (!write_at(leaf.folder.get(), "pids.max", none_v2))
      return "pids.max";
    leaf.processes.reset();
  }
  if (stale(group_use::cpu_share, leaf.cpu_share.has_value())) {
    if (const char* const failed = write_share(leaf, unified, none))
      return failed;
    leaf.cpu_share.reset();
  }
  return nullptr;
}

bool free_leftovers(const cgroup_leaf& leaf, bool unified) {
  const int in = leaf.folder.get();
  const char* const usage = unified ? "memory.current" : "memory.usage_in_bytes";
  const auto left = [&] { return number_in(read_at(in, usage)).value_or(0); };
  if (left() <= leftover_max)
    return true;
  if (!unified)
    write_at(in, "memory.force_empty", "0");
  return left() <= leftover_max;
}

std::uint64_t read_oom_kills(const cgroup_leaf& leaf) {
  auto text = read_at(leaf.folder.get(), "memory.oom_control");
  if (text.empty())
    text = read_at(leaf.folder.get(), "memory.events");
  return number_of(text, "oom_kill").value_or(0);
}

std::uint64_t read_refused_processes(const cgroup_leaf& leaf) {
  return number_of(read_at(leaf.folder.get(), "pids.events"), "max").value_or(0);
}

std::optional<std::uint64_t> read_cpu_ns(const cgroup_leaf& leaf) {
  if (const auto nanoseconds = number_in(read_at(leaf.folder.get(), "cpuacct.usage")))
    return nanoseconds;
  const auto microseconds = number_of(read_at(leaf.folder.get(), "cpu.stat"), "usage_usec");
  return microseconds ? std::optional(*microseconds * 1000) : std::nullopt;
}

std::optional<std::uint64_t> read_memory_peak(const cgroup_leaf& leaf) {
  if (const auto peak = number_in(read_at(leaf.folder.get(), "memory.max_usage_in_bytes")))
    return peak;
  return number_in(read_at(leaf.folder.get(), "memory.peak"));
}

} // namespace maze::sandbox::init
