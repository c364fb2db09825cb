#pragma once

#include "maze/core/isolation.hpp"
#include "maze/sandbox/init_protocol.hpp"

namespace maze::sandbox::protocol {

/// Whether the bit of `x` is set in `groups`.
constexpr bool has_group(std::uint8_t groups, group_use x) noexcept {
  return (groups >> static_cast<unsigned>(x) & 1U) != 0;
}

/// What the fences of a child depend on beside what was asked for.
struct standing {
  bool network = false;
  bool own_user = false;
  bool own_tree = false;
  bool landlock = false;
  /// Landlock stands where a sealed child's root and namespaces would.
  bool walled = false;
  /// Bits of `group_use`.
  std::uint8_t groups = 0;
};

/// What stands around a child that runs: every step of its set-up has succeeded.
inline std::uint16_t fences_of(const core::sandbox_spec& spec, const standing& how) noexcept {
  core::isolation out;
  const auto add = [&out](core::fence x, bool stands) {
    if (stands)
      out.add(x);
  };
  const bool confined = spec.level >= core::sandbox_level::subprocess;
  const auto grouped = [&how](group_use x) { return has_group(how.groups, x); };
  add(core::fence::own_user, how.own_user);
  add(core::fence::no_privileges, confined || how.own_user);
  add(core::fence::limits, confined);
  add(core::fence::processes, how.own_tree);
  add(core::fence::memory, spec.memory && grouped(group_use::memory));
  add(core::fence::memory_watch, spec.memory && !grouped(group_use::memory));
  add(core::fence::process_count, spec.processes && grouped(group_use::processes));
  add(core::fence::cpu_time, spec.cpu_time && grouped(group_use::cpu_time));
  add(core::fence::cpu_share, spec.cpu_share && grouped(group_use::cpu_share));
  for (const auto each : {core::fence::root, core::fence::names})
    add(each, spec.sealed() && !how.walled);
  add(core::fence::syscalls, spec.sealed());
  add(core::fence::network, spec.sealed() && !how.network);
  add(core::fence::landlock, spec.sealed() && how.landlock);
  return out.fences;
}

} // namespace maze::sandbox::protocol
