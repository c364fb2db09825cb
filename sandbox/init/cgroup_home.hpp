#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/cgroup_places.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace maze::sandbox::init {

/// Where groups of version 2 have no controllers to limit a child with, has them handed on while it lives.
///
/// The group at the top of the machine hands on what it is told to. Any other one does so only while no process is in it:
/// where that is the node's own group, and nobody but nodes and what they started is there, all of them move into a group
/// below, as who was given a group is meant to do. That is preferred where it gives as much, because what limits the node
/// then limits its tasks too. Source: Documentation/admin-guide/cgroup-v2.rst of Linux, "No Internal Process Constraint".
class cgroup_home {
public:
  /// @param node  The process that maze-init was started by.
  /// @pre In the node's pid namespace and with its rights.
  explicit cgroup_home(pid_t node);
  cgroup_home(const cgroup_home&) = delete;
  cgroup_home& operator=(const cgroup_home&) = delete;
  /// Moves all back unless another node lives there: a group that hands controllers on lets no process in.
  ~cgroup_home();

private:
  void settle(const cgroup_place& place, std::uint8_t uses);
  /// Moves all that is in `group` below it, so that it can hand on what these uses need; false where it was left as it was.
  bool move_down(const std::string& group, std::uint8_t uses);
  [[nodiscard]] bool all_ours(const std::string& group) const;
  [[nodiscard]] bool is_ours(pid_t pid) const;
  void go_back() const;

  pid_t node_;
  std::string program_;
  /// What was the node's own group, and the one below it; the latter empty: nothing was moved.
  std::string group_;
  std::string home_;
  std::uint8_t handed_on_ = 0;
  /// Holds the latter locked, as all others do whose nodes live there.
  io::unique_fd lived_in_;
};

} // namespace maze::sandbox::init
