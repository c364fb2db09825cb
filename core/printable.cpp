#include "maze/core/printable.hpp"

#include "maze/core/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace maze::core {

namespace {

struct block {
  char32_t first;
  char32_t last;
};

constexpr std::array zero_width{
    block{0x300, 0x36F},   block{0x483, 0x489},   block{0x591, 0x5BD},   block{0x610, 0x61A},
    block{0x64B, 0x65F},   block{0x1AB0, 0x1AFF}, block{0x1DC0, 0x1DFF}, block{0x200B, 0x200D},
    block{0x20D0, 0x20FF}, block{0xFE00, 0xFE0F}, block{0xFE20, 0xFE2F}, block{0xE0100, 0xE01EF},
};
constexpr std::array double_width{
    block{0x1100, 0x115F},   block{0x231A, 0x231B},   block{0x23E9, 0x23EC},
    block{0x2614, 0x2615},   block{0x26A1, 0x26A1},   block{0x2705, 0x2705},
    block{0x2728, 0x2728},   block{0x274C, 0x274C},   block{0x2E80, 0x303E},
    block{0x3041, 0xA4CF},   block{0xA960, 0xA97F},   block{0xAC00, 0xD7A3},
    block{0xF900, 0xFAFF},   block{0xFE30, 0xFE6F},   block{0xFF01, 0xFF60},
    block{0xFFE0, 0xFFE6},   block{0x1F300, 0x1F64F}, block{0x1F680, 0x1F6FF},
    block{0x1F900, 0x1F9FF}, block{0x1FA70, 0x1FAFF}, block{0x20000, 0x3FFFD},
};
/// C0, delete, C1; line and paragraph separators; bidirectional controls; byte order mark.
constexpr std::array unsafe{
    block{0x0, 0x1F},      block{0x7F, 0x9F},     block{0x61C, 0x61C},
    block{0x200E, 0x200F}, block{0x2028, 0x202E}, block{0x2066, 0x2069},
    block{0xFEFF, 0xFEFF}, block{0xFFF9, 0xFFFB}, block{0xE0000, 0xE007F},
};

bool within(const auto& blocks, char32_t code) {
  const auto at = std::lower_bound(blocks.begin(), blocks.end(), code,
                                   [](const block& x, char32_t c) { return x.last < c; });
  return at != blocks.end() && at->first <= code;
}

std::size_t width_of(char32_t code) {
  return within(zero_width, code) ? 0 : within(double_width, code) ? 2 : 1;
}

void append_escaped(std::string& out, char32_t code) {
  if (code == '\n')
    out += "\\n";
  else if (code == '\t')
    out += "\\t";
  else if (code == '\r')
    out += "\\r";
  else if (code < 0x80)
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(code));
  else
    fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<unsigned>(code));
}

} // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [code, length] = first_character(text);
    if (length == 0)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[0]));
    else if (code == '\\')
      out += "\\\\";
    else if (within(unsafe, code))
      append_escaped(out, code);
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::size_t columns(std::string_view text) noexcept {
  std::size_t sum = 0;
  while (!text.empty()) {
    const auto [code, length] = first_character(text);
    sum += length == 0 ? 1 : width_of(code);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return sum;
}

std::string fit(std::string_view text, std::size_t width) {
  if (columns(text) <= width)
    return std::string(text);
  if (width == 0)
    return {};
  std::size_t used = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const auto [code, length] = first_character(text.substr(end));
    used += length == 0 ? 1 : width_of(code);
    if (used > width - 1)
      break;
    end += std::max<std::size_t>(length, 1);
  }
  return std::string(text.substr(0, end)) + "…";
}

} // namespace maze::core
