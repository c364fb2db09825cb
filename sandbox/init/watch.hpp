#pragma once

#include "maze/sandbox/init/spawn.hpp"

namespace maze::sandbox::init {

/// Has a watched child's inotify instance watch the folders of its table, in the taskspace as the caller sees it; the table
/// says which of them it does. Nothing to do for any other child. What cannot be watched is no failure: who listens knows
/// what to make of a gap.
///
/// @note Runs in the child: allocates nothing, and leaves `/` as the working directory.
void watch_folders(const spawn_plan& plan);

} // namespace maze::sandbox::init
