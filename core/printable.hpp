#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace maze::core {

/// `text` with everything escaped that could forge a line or steer a terminal: control characters
/// (`\n`, `\t`, `\x1b`), characters that reorder or break lines (`\u{202e}`), and bytes that are not
/// UTF-8 (`\xff`). A backslash becomes `\\`, so that nothing else can look like an escape.
std::string printable(std::string_view text);

/// How many columns of a terminal `text` takes: 0 for combining marks, 2 for wide characters of East
/// Asia and emoji, else 1; a byte that is not UTF-8 counts 1.
/// Source: EastAsianWidth.txt of Unicode 15, condensed to blocks.
std::size_t columns(std::string_view text) noexcept;

/// The start of `text` that fits into `width` columns; where something is cut, it ends in `…`. Cuts
/// between characters only. Empty for width 0.
std::string fit(std::string_view text, std::size_t width);

} // namespace maze::core
