// Functions that do nothing: what is left is what maze costs.
#include "maze/core/task.hpp"

namespace {

void nothing() {}

} // namespace

MAZE_TASK_LIBRARY("bench", "1")
MAZE_TASK(nothing, "Does nothing.")
