#pragma once

// The words in which the rows of the table of attacks are written.
#include "support/attack_table.hpp"

namespace maze::test::attack_rows {

constexpr std::uint16_t bit(core::fence x) {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(x));
}
/// No fence but a step of each set-up: that the child began tells that it was done.
inline constexpr std::uint16_t setup = 1U << 15;

inline constexpr auto rights = bit(core::fence::no_privileges);
inline constexpr auto limits = bit(core::fence::limits);
inline constexpr auto tree = bit(core::fence::processes);
inline constexpr auto root = bit(core::fence::root);
inline constexpr auto offline = bit(core::fence::network);
inline constexpr auto wall = bit(core::fence::landlock);
inline constexpr auto filter = bit(core::fence::syscalls);
inline constexpr auto memory = bit(core::fence::memory);
inline constexpr auto count = bit(core::fence::process_count);
inline constexpr auto cpu = bit(core::fence::cpu_time);

/// Refused by the filter at level seccomp.
inline way filtered(const char* name, answer subprocess = {}) {
  return {name, {"EPERM", filter}, subprocess};
}

/// Under a limit, with one end at both levels.
inline way limited(const char* name, under limit, answer end) {
  return {name, end, end, {}, limit};
}

inline const answer shut{"EPERM", rights};
inline const answer unreadable{"EACCES", rights};
inline const answer open{"done", 0};

/// Those of the design, 1 to 48, and ours.
std::vector<attack_row> designed();
std::vector<attack_row> ours();

} // namespace maze::test::attack_rows
