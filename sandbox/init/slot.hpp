#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/init/spawn.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace maze::sandbox::init {

/// What belongs to a slot beside its pid and mount namespaces.
enum class slot_kind : std::uint8_t {
  plain = 0,
  /// Namespaces for IPC, host name and cgroups.
  sealed = 1,
  /// And one for the network, in which there is nothing.
  cut_off = 2,
};
inline constexpr std::size_t slot_kinds = 3;

/// The namespaces of a slot that a child joins beside that for pids: flags of setns(2), the mount namespace left out.
int joined_namespaces(slot_kind kind) noexcept;

/// A pid namespace with its own mount namespace and /proc, held open by a first process that only
/// waits: the kernel reaps its orphans. maze-init starts a child inside by joining the namespace, so
/// the child is maze-init's own and its first process is never the task. The death of the first
/// process is the death of every process inside.
struct slot {
  slot_kind kind = slot_kind::plain;
  /// What its base shows of the machine; empty: it has none, and its mounts are the machine's.
  std::vector<std::string> base;
  /// Whose children it had.
  std::vector<std::uint32_t> users;
  /// Its child may leave something behind that outlives processes.
  bool single_use = false;
  /// The first process.
  pid_t first = -1;
  io::unique_fd pidfd;
  /// Lists the first process' children.
  io::unique_fd children;

  /// Whether the first process is alone. Sound once the attempt's main process is dead: whoever is
  /// left descends from the first process, and one of them is its direct child.
  [[nodiscard]] bool empty() const;
};

/// Makes slots and keeps the clean ones, because a fresh one costs as much as a small command. What a child leaves in
/// its namespaces dies with its processes, as long as its filter lets it make no objects of System V or POSIX IPC and no
/// other host name: a slot in which that was allowed is not used again.
class slot_pool {
public:
  /// @param idle_max  How many clean slots of each kind are kept.
  explicit slot_pool(std::size_t idle_max) : idle_max_(idle_max) {}

  /// A clean slot, or null with the failure.
  /// `base` is for a sealed kind, the same each time for the best of it.
  std::unique_ptr<slot> take(slot_kind kind, const std::vector<const char*>& base, failure& what);
  /// Takes back an empty slot whose child is reaped, if fewer than `idle_max` lie here; otherwise
  /// the slot stays with the caller.
  void give_back(std::unique_ptr<slot>& used);
  /// Whether `pid` is the first process of a slot that lies here.
  [[nodiscard]] bool holds(pid_t pid) const;
  /// Forgets the slot here whose first process died.
  void forget(pid_t pid);
  /// From now on new processes start inside `target`; null: in maze-init's own pid namespace.
  bool enter(const slot* target);

private:
  std::unique_ptr<slot> make(slot_kind kind, const std::vector<const char*>& base, failure& what);

  std::size_t idle_max_;
  std::array<std::vector<std::unique_ptr<slot>>, slot_kinds> idle_;
  io::unique_fd own_;
  bool away_ = false;
};

} // namespace maze::sandbox::init
