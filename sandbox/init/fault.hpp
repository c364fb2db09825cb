#pragma once

#include "maze/sandbox/init/spawn.hpp"

namespace maze::sandbox::init {

/// What a build for tests makes of a step that was done: the failure of it, where MAZE_FAULT in maze-init's environment
/// names its stage. Any other build has nothing of that.
#ifdef MAZE_INJECT_FAULTS
failure injected(protocol::stage done) noexcept;
#else
constexpr failure injected(protocol::stage) noexcept { return {}; }
#endif

} // namespace maze::sandbox::init
