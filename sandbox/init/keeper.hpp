#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/init/spawn.hpp"

#include <sys/resource.h>

namespace maze::sandbox::init {

/// What a keeper writes into its pipe: once when the child has started or failed to, and once when
/// the child is dead.
struct keeper_record {
  /// The child, or -1: it never started and `at` tells why.
  pid_t main = -1;
  protocol::stage at = protocol::stage::none;
  int error_number = 0;
  char subject[256] = {};
  bool ended = false;
  int wait_status = 0;
  rusage usage{};
};

/// A small process between maze-init and a child that has no pid namespace. It is the subreaper of
/// the child's tree: whatever the tree forks hangs below it, until its own death hands the survivors
/// to maze-init, which kills them. It leaves the dead child unreaped, so that the child's pid and
/// process group mean nothing else until then.
struct keeper {
  pid_t pid = -1;
  io::unique_fd records;
};

/// Forks a keeper that starts the child. `pid` is -1 with errno on failure.
keeper start_keeper(const spawn_plan& plan);

} // namespace maze::sandbox::init
