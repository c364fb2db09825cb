#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/init_protocol.hpp"

#include <span>
#include <sys/types.h>

namespace maze::sandbox::init {

/// Which set-up step failed, why, and on what. `subject` leads into the request or is a literal.
struct failure {
  protocol::stage at = protocol::stage::none;
  int error_number = 0;
  const char* subject = "";
};

/// What maze-init itself is; children inherit it.
struct surroundings {
  /// Opened once, for every child's standard input.
  int null_fd = -1;
  int nice = 0;
  int oom_score_adj = 0;
  /// maze-init lives in a user namespace of its own because the node is not root.
  bool user_namespace = false;
};

/// A child to start.
struct spawn_plan {
  const protocol::launch_view& request;
  const surroundings& around;
  /// Standard output, standard error, of a sealed child its filter, of a watched one what watches it, then what becomes
  /// 3, 4 and so on.
  std::span<const io::unique_fd> descriptors;
  /// pidfd of the pid namespace's first process, whose mount namespace the child joins; -1: none.
  int slot_fd = -1;
  /// The slot's namespaces that a sealed child joins beside its mounts; flags of setns(2).
  int joins = 0;
  /// No child of this one's user was in the slot so far.
  bool new_user = false;
  /// Landlock, as far as the kernel has it.
  int landlock = 0;
  /// It stands where a sealed child's root and namespaces would.
  bool walled = false;
  /// Descriptors of the control groups that the child moves into first.
  std::span<const int> groups = {};
  /// Bits of `protocol::group_use`: what those do.
  std::uint8_t grouped = 0;
  /// A user namespace that maps 0 to the child's uid, for the overlay's lower layers; -1: none.
  int idmap_fd = -1;
  /// Through which it hands over the listener of its filter; -1: the filter has none.
  int passage = -1;
};

struct spawn_result {
  /// The running child, or -1 with the failure.
  pid_t pid = -1;
  failure what;
};

/// Starts the child and returns when it has executed its program or failed to; a child that failed
/// is reaped. The child shares this process' memory until then (vfork semantics), so that the cost
/// does not grow with the caller's memory and a failure is a plain write.
///
/// @pre The calling process has one thread, and every signal is blocked or at its default.
spawn_result spawn(const spawn_plan& plan);

} // namespace maze::sandbox::init
