#pragma once

#include "maze/io/files.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace maze::sandbox::init {

/// A socket over which a child hands the listener of its filter to maze-init: two ends, both empty where it has none.
struct passage {
  io::unique_fd here;
  io::unique_fd there;

  /// Both ends are empty on failure, with errno.
  static passage make();
};

/// Sends the descriptor through the child's end; whether that worked. Errors are left in errno. To be called with the filter
/// in force, so it makes no call but sendmsg(2).
bool hand_over(int through, int descriptor);

/// The listener that a child has handed over before it executed its program; empty: none came. Lets go of the child's end first, so
/// that this process has room for a descriptor in any case.
io::unique_fd take_over(passage& through);

/// A system call that a filter referred to its listener. It has not been made.
struct forbidden_call {
  /// One of `protocol::unknown_call`, `protocol::foreign_call` where it is not a number of this machine's.
  std::int32_t number = 0;
  /// What /proc calls the process that wants to make it; empty where it is gone.
  std::string program;
};

/// A small process that waits for what a listener has to tell, and holds it open: closed, the listener would let those who
/// wait go on. Only who waits in the kernel hears of each call: a signal can take a thread out of one before anybody looks,
/// and an event that is looked at later has passed then.
struct witness {
  pid_t pid = -1;
  /// Readable once it has something to tell, or was killed.
  io::unique_fd told;
};

/// Forks a witness, which has the listener from then on. `pid` is -1 with errno on failure.
witness start_witness(io::unique_fd listener);

/// What a witness has told so far. Never blocks.
std::optional<forbidden_call> heard(const witness& from);

} // namespace maze::sandbox::init
