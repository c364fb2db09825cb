#pragma once

#include <cstddef>
#include <string_view>

namespace maze::core {

/// The first character of a text.
struct utf8_character {
  char32_t code = 0;
  /// Bytes that it takes, 1 to 4; 0 where the text does not start with well-formed UTF-8.
  std::size_t length = 0;
};

/// Decodes the first character of `text`: no surrogates, no overlong forms, nothing above U+10FFFF.
/// Source: The Unicode Standard 15, table 3-7, "Well-Formed UTF-8 Byte Sequences".
utf8_character first_character(std::string_view text) noexcept;

/// Whether `text` is well-formed UTF-8.
bool is_utf8(std::string_view text) noexcept;

} // namespace maze::core
