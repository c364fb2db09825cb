#pragma once

#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"

#include <map>
#include <string>
#include <string_view>

namespace maze::core {

/// As `resolve_call`, of outputs that are encoded; also fails as `decode`.
result<resolved_call> resolve_encoded_call(const task_spec& spec, const context_map& context,
                                           const std::map<std::string, std::string>& outputs);

/// The arguments of one call of a function, as they go to the child: the encoded dictionary of all that
/// was resolved, by name. Fails with `limit_exceeded` or `malformed` naming the task, and the argument where it is to
/// blame alone.
///
/// @pre `is_function(spec)`
result<std::string> encode_arguments(const task_spec& spec, const resolved_call& call);

/// What a function returned, encoded, becomes the encoded output dictionary `{key: value}` of its task:
/// under the one key that the task declares, or with `outputs: many` by those of its keys that the task
/// declares. Believes nothing: fails with `invalid_payload` naming the key and both types, the missing key or
/// what is no value at all; with `limit_exceeded` where the dictionary would be too deep or too large.
///
/// @pre `is_function(spec)`
result<std::string> outcome_of_function(const task_spec& spec, std::string_view encoded_value);

/// The exit status of a child that calls functions and can no longer hear or answer.
inline constexpr int host_broken = 70;
/// What it means that the process of a function ended with this status and said nothing.
std::string instead_of_returning(int exit_status);

} // namespace maze::core
