#pragma once

#include <cstdint>
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

/// A group of version 2 below which groups can be made, and what those would have: one bit for each controller.
struct unified_folder {
  std::string path;
  std::uint8_t gives = 0;

  friend bool operator==(const unified_folder&, const unified_folder&) = default;
};

/// How many controllers the best of them gives.
int most_given(const std::vector<unified_folder>& folders);

/// Those that give as many as the best, and the same: a process is in one group of version 2, so all that limits it must
/// come from there. The first of them decides; none where no folder gives any.
std::vector<unified_folder> best_folders(const std::vector<unified_folder>& folders);

} // namespace maze::sandbox
