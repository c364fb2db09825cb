#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/cgroup_places.hpp"
#include "maze/sandbox/init/spawn.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::sandbox::init {

using protocol::group_use;
using protocol::group_uses;

/// Which of them this process' place in the hierarchies allows, as far as looking tells.
using group_offer = std::array<bool, group_uses>;

/// How the names of their folders begin.
inline constexpr std::string_view name_prefix = "maze-";

/// A group without groups below it, for one child at a time.
struct cgroup_leaf {
  std::size_t hierarchy = 0;
  std::string path;
  io::unique_fd folder;
  /// Who writes "0" there moves into the group.
  io::unique_fd procs;
  /// As they are set now.
  std::optional<std::uint64_t> memory;
  std::optional<std::uint64_t> processes;
  std::optional<std::uint32_t> cpu_share;
  /// Counters that were there before the child.
  std::uint64_t oom_kills = 0;
  std::uint64_t refused_processes = 0;
  std::uint64_t cpu_ns = 0;
};

/// The groups of one child, at most one of each hierarchy.
struct group_set {
  std::vector<std::unique_ptr<cgroup_leaf>> leaves;
  /// Position in `leaves` of the group that has this use; -1: none.
  std::array<int, group_uses> at{-1, -1, -1, -1};

  [[nodiscard]] cgroup_leaf* find(group_use use) const noexcept;
  /// Descriptors to write "0" to.
  [[nodiscard]] std::vector<int> procs() const;

  /// CPU time of all that was in the group since it was taken, dead or alive; nothing without such a group.
  [[nodiscard]] std::optional<std::uint64_t> cpu_ns() const;
  /// Most memory that the group had at once, in bytes.
  [[nodiscard]] std::optional<std::uint64_t> memory_peak() const;
  /// Processes that the kernel killed for want of memory in the group.
  [[nodiscard]] std::uint64_t oom_kills() const;
  /// Processes and threads that it did not begin because there were too many.
  [[nodiscard]] std::uint64_t refused_processes() const;
};

/// Makes control groups below, or beside, this process' own and keeps the empty ones, because making one costs as
/// much as a small child. Nothing is made before a child asks for a limit that needs one.
///
/// Version 1, version 2 and both at once: each use is looked for by itself in version 1, which is where the kernel has a
/// controller if it is there at all; what is left is looked for in version 2 together. Source:
/// Documentation/ admin-guide/cgroup-v1 and cgroup-v2.rst of Linux.
class cgroups {
public:
  /// @param name  Of the folder that holds all groups made here: nobody else's.
  explicit cgroups(std::string name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Bits of `group_use`: what can be had.
  [[nodiscard]] std::uint8_t offer() const noexcept;
  /// Groups that carry those limits of `spec` that the offer allows; none where it has no such limit. False with the
  /// failure where one cannot be made or set: nothing is taken then.
  bool take(const core::sandbox_spec& spec, group_set& out, failure& what);
  /// Takes the groups back once nobody is in them; those that are not empty are left alone.
  void give_back(group_set& used);
  /// Removes every group below a folder of that name, wherever one can be. For whoever survives.
  static void remove_all(const std::string& name);

private:
  struct hierarchy {
    bool unified = false;
    /// Where its folder can be made, the best first.
    std::vector<std::string> folders;
    /// The folder, once it is made, and the lock on it.
    std::string made;
    io::unique_fd owned;
    std::uint64_t last_leaf = 0;
    std::vector<std::unique_ptr<cgroup_leaf>> idle;
  };

  void look_in_version_1(const std::vector<cgroup_place>& places, group_use use);
  void look_in_version_2(const cgroup_place& place, std::uint8_t uses);
  void offer(group_use use, std::ptrdiff_t where);
  bool make_folder(hierarchy& in, failure& what) const;
  /// An idle one unless it must be `fresh`.
  std::unique_ptr<cgroup_leaf> make_leaf(std::size_t at, bool fresh, failure& what);
  /// Takes away limits that earlier children left in the groups.
  bool lift_stale(const group_set& taken, failure& what) const;
  cgroup_leaf* leaf_for(group_use use, group_set& out, failure& what);

  std::string name_;
  /// Which hierarchy has the use; -1: none.
  std::array<int, group_uses> where_{-1, -1, -1, -1};
  std::vector<hierarchy> hierarchies_;
  group_offer offer_{};
};

} // namespace maze::sandbox::init
