#pragma once

#include "maze/sandbox/init/spawn.hpp"

namespace maze::sandbox::init {

/// Runs in the child: every set-up step in its order, then the program. Returns only on failure.
///
/// @note Allocates nothing, because the memory is the parent's.
failure set_up_and_execute(const spawn_plan& plan);

} // namespace maze::sandbox::init
