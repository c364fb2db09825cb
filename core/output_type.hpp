#pragma once

#include "maze/core/reference.hpp"
#include "maze/core/task_spec.hpp"

#include <string_view>

namespace maze::core {

/// The type of a stream that nothing was declared of: bytes unless it is UTF-8.
inline constexpr std::string_view undeclared_stream = "string or bytes";

/// What a part of a command's output is as far as one can tell before it runs, which may be `undeclared_stream`. `declared` for a
/// name that is no such part.
std::string_view command_part_type(std::string_view part,
                                   std::string_view declared = "any") noexcept;

/// Whether something of type `actual`, as these functions give it, may be where `wanted` is declared, as far as types tell: ints are
/// floats too, and a path is handed on as text.
bool type_may_be(std::string_view actual, std::string_view wanted) noexcept;

/// The type of what `x` leads to in the output of `target`, the task that it names, as far as one can tell before that runs;
/// `any` where nobody can, and where the path leads nowhere.
std::string_view output_type(const reference& x, const task_spec& target) noexcept;

} // namespace maze::core
