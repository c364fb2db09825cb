#pragma once

#include "maze/io/files.hpp"

#include <cstdint>
#include <optional>
#include <string>

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

/// A system call that a filter refers to its listener. It has not been made, and the thread that wanted it waits.
struct forbidden_call {
  std::int32_t number = 0;
  /// What /proc calls the process that wants to make it; empty where it is gone.
  std::string program;
};

/// The next one of a listener. Nothing where none waits, or the one that did is gone. Never blocks.
std::optional<forbidden_call> next_forbidden(int listener);

/// Whether every process that the filter bound is gone.
bool has_no_users(int listener);

} // namespace maze::sandbox::init
