#pragma once

#include "maze/core/call_plan.hpp"
#include "maze/core/graph.hpp"

#include <string>
#include <vector>

namespace maze::core {

/// The libraries that the functions of `plan` come from, distinct, in the order in which a child loads them.
std::vector<std::string> libraries_of(const call_plan& plan);

/// Those that the child of this task must find: of a function in a child of its own its library; of one whose child is kept
/// those of all such tasks, any of which the child may be asked to call. None for commands and Python.
std::vector<std::string> libraries_of(const graph& tasks, task_id task);

} // namespace maze::core
