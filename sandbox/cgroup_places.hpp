#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace maze::sandbox {

/// A mounted hierarchy of control groups, and where this process is in it.
struct cgroup_place {
  /// Version 2: one hierarchy for every controller that version 1 does not have.
  bool unified = false;
  /// Of version 1.
  std::vector<std::string> controllers;
  /// This process' own group, then those above it up to the one that is mounted. Groups beside it can be made in the
  /// latter ones only.
  std::vector<std::string> folders;

  friend bool operator==(const cgroup_place&, const cgroup_place&) = default;
};

/// The hierarchies that a process finds, from its /proc/self/cgroup and /proc/self/mountinfo. One that is not
/// mounted, or in which the process' group lies outside of what is mounted, is left out; of one that is mounted twice
/// the first counts. Source: cgroups(7) and proc_pid_mountinfo(5).
std::vector<cgroup_place> find_cgroup_places(std::string_view own_groups,
                                             std::string_view mount_table);

} // namespace maze::sandbox
