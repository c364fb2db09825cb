#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/init/spawn.hpp"

#include <memory>
#include <vector>

namespace maze::sandbox::init {

/// A pid namespace with its own mount namespace and /proc, held open by a first process that only
/// waits: the kernel reaps its orphans. maze-init starts a child inside by joining the namespace, so
/// the child is maze-init's own and its first process is never the task. The death of the first
/// process is the death of every process inside.
struct slot {
  /// The first process.
  pid_t first = -1;
  io::unique_fd pidfd;
  /// Lists the first process' children.
  io::unique_fd children;

  /// Whether the first process is alone. Sound once the attempt's main process is dead: whoever is
  /// left descends from the first process, and one of them is its direct child.
  [[nodiscard]] bool empty() const;
};

/// Makes slots and keeps the clean ones, because a fresh one costs as much as a small command.
class slot_pool {
public:
  /// @param idle_max  How many clean slots are kept.
  explicit slot_pool(std::size_t idle_max) : idle_max_(idle_max) {}

  /// A clean slot, or null with the failure.
  std::unique_ptr<slot> take(failure& what);
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
  std::unique_ptr<slot> make(failure& what);

  std::size_t idle_max_;
  std::vector<std::unique_ptr<slot>> idle_;
  io::unique_fd own_;
  bool away_ = false;
};

} // namespace maze::sandbox::init
