#pragma once

#include "maze/core/value.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace maze::io {

/// Why an unquoted scalar has no one meaning.
struct scalar_fault {
  /// A workflow code: `ambiguous_scalar` or `number_out_of_range`.
  std::string_view code;
  std::string message;
  std::string remedy;
};

/// What an unquoted scalar means: `true`, `false`, `null`, a number as JSON writes numbers, else text.
///
/// What YAML 1.1 readers take for something other than text or another number (`yes`, `0755`, `1:30`,
/// `1_000`, `0x1F`, `.inf`, `~`, `2024-01-31` …) is refused instead of guessed.
/// Source: YAML 1.1 type repository (bool, null, int, float, timestamp); RFC 8259 section 6.
tl::expected<core::value, scalar_fault> read_plain_scalar(std::string_view text);

} // namespace maze::io
