#pragma once

#include "maze/sandbox/init/spawn.hpp"

namespace maze::sandbox::init {

/// Reads the seccomp program in `program_fd`, for `install_filter` of the same child. An empty or cut program is refused: a
/// child without its filter never runs. To be called before descriptors are moved about, for this one may be among those
/// that are overwritten.
failure read_filter(int program_fd);

/// Binds the calling process, and all that it starts, to the program that was read, for good, and looks from inside
/// whether it is bound.
///
/// @param passage  Through which the listener of the program is handed over; -1: it has none.
/// @pre no_new_privs is set, and nothing has still to be done that the program might not allow
failure install_filter(int passage);

} // namespace maze::sandbox::init
