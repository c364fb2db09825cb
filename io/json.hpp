#pragma once

#include "maze/core/result.hpp"
#include "maze/core/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maze::io {

enum class json_style : std::uint8_t {
  /// No blanks, one line.
  compact = 1,
  /// Two blanks per level, one element a line.
  indented = 2,
};

/// The JSON text of a value, as io/README.md describes it: nothing is lost. Keys are in byte order.
/// Fails with `limit_exceeded` when `x` is nested deeper or its text longer than the limits, with
/// `malformed` when a text in it is not UTF-8.
core::result<std::string> to_json(const core::value& x, json_style style = json_style::compact,
                                  const core::value_limits& limits = {});

/// The inverse of `to_json`, for any JSON text. Fails with `malformed` or `limit_exceeded`, naming
/// line and column (in characters, both from 1): syntax, bad UTF-8, a key twice, an integer beyond
/// 64 bits, an unknown `$` form, too deep, too long.
core::result<core::value> parse_json(std::string_view text, const core::value_limits& limits = {});

/// File names are bytes, JSON text is UTF-8: well-formed characters stay as they are, other bytes
/// become `\xhh`, a backslash becomes `\\`.
std::string file_name_to_text(std::string_view name);
/// The inverse; nothing unless `text` is what `file_name_to_text` writes.
std::optional<std::string> file_name_from_text(std::string_view text);

} // namespace maze::io
