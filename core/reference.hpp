#pragma once

#include "maze/core/result.hpp"
#include "maze/core/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace maze::core {

/// One step into a value: a key of a dictionary or an index of a list.
using path_step = std::variant<std::string, std::uint64_t>;

/// A reference to a part of another task's output: `task.output.key[0].x`.
///
/// Grammar: `<task> ".output" ("." <key> | "[" <index> "]")*`, the first step being the declared
/// output's key. A task is `[A-Za-z_][A-Za-z0-9_-]*`; a key is the same, or any text in double
/// quotes with `\"` and `\\` as escapes; an index is decimal without leading zeros.
struct reference {
  std::string task;
  std::vector<path_step> path;

  friend bool operator==(const reference&, const reference&) = default;
};

/// The six ways a reference can be wrong; each message names the whole reference.
enum class reference_fault : std::uint8_t {
  malformed = 1,
  unknown_task = 2,
  not_a_dictionary = 3,
  key_missing = 4,
  not_a_sequence = 5,
  index_out_of_range = 6,
};

struct reference_error {
  reference_fault fault = reference_fault::malformed;
  std::string message;
  /// Where in the text of the reference the fault lies, in bytes from its start.
  std::size_t offset = 0;

  friend bool operator==(const reference_error&, const reference_error&) = default;
};

/// Whether `text` starts as a reference does (`<task>.output` followed by nothing, `.` or `[`), so
/// that it is meant as one: if it then does not parse, that is an error and not a literal.
bool looks_like_reference(std::string_view text) noexcept;
/// Fails with `malformed` only.
tl::expected<reference, reference_error> parse_reference(std::string_view text);
/// The text that parses back to `x`.
std::string to_string(const reference& x);
/// Walks `x.path` into `output`, the whole output dictionary `{key: value}` of `x.task`. Fails with
/// the last four faults. A path into null is `not_a_dictionary` or `not_a_sequence`.
tl::expected<value, reference_error> resolve(const reference& x, const value& output);
/// What to report where `x` names a task that does not exist; tells how to write a literal instead.
reference_error unknown_task(const reference& x);

/// Whether `text` may name a task, a parameter or an output: `[A-Za-z_][A-Za-z0-9_-]*`, at most 128 bytes.
bool is_name(std::string_view text) noexcept;

} // namespace maze::core
