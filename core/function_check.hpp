#pragma once

#include "maze/core/library.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace maze::core {

/// What the libraries of a run say of themselves, by the name that tasks use.
using library_descriptions = std::map<std::string, library_description, std::less<>>;

/// Judges the functions of task libraries among `tasks`, before anything runs: each exists, has a value for
/// every parameter from its inputs, `context` or a default, and declares outputs that the function can give.
/// Other tasks are passed over. Fails with `untrusted_function` for a library or function that is not
/// there, `invalid_payload` for an input that is no parameter and for types that contradict, `input_missing`
/// for a parameter without a value; each names task and parameter, its origin is
/// `submit:<task>`. No error shows a value.
result<void> check_functions(std::span<const task_spec> tasks,
                             const library_descriptions& libraries, const context_map& context);

/// Gives each function of a library the parameters of its signature, in that order: the type where the task
/// declared none, the default where it has none. A parameter that no function has is left out. It also gives each what
/// the function needs, as far as nobody wrote needs for the task. What the task
/// itself said stays, and so do tasks whose function is not there.
///
/// @pre `check_functions` found nothing
void complete_functions(std::span<task_spec> tasks, const library_descriptions& libraries);

/// Bytes of a library, and of a pickled function, that are worth a word: each node brings the first once and each
/// child loads it, the second goes with every attempt.
constexpr std::uint64_t library_size_large = std::uint64_t{64} << 20;
constexpr std::uint64_t pickle_size_large = std::uint64_t{8} << 20;

/// A sentence for each library and each pickled function that is large, with a remedy. They run nevertheless.
std::vector<std::string> oversized_code(std::span<const task_spec> tasks,
                                        const library_refs& libraries);

} // namespace maze::core
