// Calls what nobody defines.
#include "maze/core/task.hpp"

void maze_test_nobody_defines_this();

namespace {

void call_it() { maze_test_nobody_defines_this(); }

} // namespace

MAZE_TASK(call_it, "Cannot be loaded.")
