#pragma once

#include "maze/sandbox/cgroup_places.hpp"
#include "maze/sandbox/init/cgroups.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The files of control groups, which have other names and forms in each version.
namespace maze::sandbox::init {

/// All of a small file; empty where it cannot be read.
std::string read_text(const std::string& path);
/// Whether all of `text` was taken, in one write.
bool write_text(const std::string& path, std::string_view text);

/// What version 1 calls the controller of a use, and version 2, where a controller has to be handed on.
struct use_names {
  std::string_view controller;
  /// Empty: every group of version 2 has it.
  std::string_view enabled_by;
};
const use_names& names_of(group_use use);
constexpr std::uint8_t bit_of(group_use use) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(use));
}

/// Where this process is in each hierarchy.
std::vector<cgroup_place> own_places();
/// The uses, as bits, that version 1 has on this machine: version 2 cannot have them.
std::uint8_t uses_of_version_1(const std::vector<cgroup_place>& places);
/// The uses, as bits, whose controllers stand in this list of a group of version 2: in `cgroup.controllers` those that it
/// has, in `cgroup.subtree_control` those that groups below it have.
std::uint8_t uses_in(const std::string& list);
/// Whether this process may make groups there, and move into them from its own.
bool is_open_to_us(const std::string& folder);

/// Whoever makes or removes groups in `folder`, or moves itself between it and them, holds that locked; an empty descriptor
/// where somebody holds it longer than that takes.
io::unique_fd enter_gate(const std::string& folder);

/// In a mount namespace of a child's: nobody there can change groups, and move into others, through what is mounted.
/// True where there is nothing to protect.
bool protect_groups() noexcept;

// Each returns the name of the file that refused, with errno, or null.

/// Holds the group, all of its files in memory included, to so many bytes without swap, and counts from here.
const char* limit_memory(cgroup_leaf& leaf, bool unified, std::uint64_t bytes);
const char* limit_processes(cgroup_leaf& leaf, std::uint64_t count);
/// Holds the group to so many hundredths of one core.
const char* limit_cpu_share(cgroup_leaf& leaf, bool unified, std::uint32_t percent);
/// Counts CPU time from here.
const char* begin_cpu_time(cgroup_leaf& leaf, bool unified);
/// Takes away those limits that an earlier child left and `keep` does not name.
const char* lift_limits(cgroup_leaf& leaf, bool unified, const group_offer& keep);

/// Frees what an earlier child left in memory; false where too much of it stays: files in memory that outlive their
/// maker belong to the group that made them.
bool free_leftovers(const cgroup_leaf& leaf, bool unified);

std::uint64_t read_oom_kills(const cgroup_leaf& leaf);
std::uint64_t read_refused_processes(const cgroup_leaf& leaf);
std::optional<std::uint64_t> read_cpu_ns(const cgroup_leaf& leaf);
std::optional<std::uint64_t> read_memory_peak(const cgroup_leaf& leaf);

} // namespace maze::sandbox::init
