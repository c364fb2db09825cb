#include "maze/core/isolation.hpp"

#include <array>

namespace maze::core {

namespace {

constexpr std::array fences{
    fence::own_user, fence::no_privileges, fence::limits,       fence::processes,
    fence::root,     fence::names,         fence::network,      fence::landlock,
    fence::syscalls, fence::memory,        fence::memory_watch, fence::process_count,
    fence::cpu_time, fence::cpu_share,     fence::disk_watch,   fence::container};

} // namespace

std::span<const fence> all_fences() noexcept { return fences; }

std::string_view to_string(fence x) noexcept {
  switch (x) {
  case fence::own_user:
    return "own_user";
  case fence::no_privileges:
    return "no_privileges";
  case fence::limits:
    return "limits";
  case fence::processes:
    return "processes";
  case fence::root:
    return "root";
  case fence::names:
    return "names";
  case fence::network:
    return "network";
  case fence::landlock:
    return "landlock";
  case fence::syscalls:
    return "syscalls";
  case fence::memory:
    return "memory";
  case fence::memory_watch:
    return "memory_watch";
  case fence::process_count:
    return "process_count";
  case fence::cpu_time:
    return "cpu_time";
  case fence::cpu_share:
    return "cpu_share";
  case fence::disk_watch:
    return "disk_watch";
  case fence::container:
    return "container";
  }
  return "unknown";
}

} // namespace maze::core
