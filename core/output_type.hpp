#pragma once

#include "maze/core/reference.hpp"
#include "maze/core/task_spec.hpp"

#include <string_view>

namespace maze::core {

/// What a part of a command's output is as far as one can tell before it runs: a stream that nothing else was declared of is
/// text. `declared` for a name that is no such part.
std::string_view command_part_type(std::string_view part,
                                   std::string_view declared = "any") noexcept;

/// The type of what `x` leads to in the output of `target`, the task that it names, as far as one can tell before that runs;
/// `any` where nobody can, and where the path leads nowhere.
std::string_view output_type(const reference& x, const task_spec& target) noexcept;

} // namespace maze::core
