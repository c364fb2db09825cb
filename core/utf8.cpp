#include "maze/core/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace maze::core {

namespace {

constexpr std::uint8_t byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<std::uint8_t>(text[i]);
}

struct lead {
  std::size_t length;
  char32_t bits;
  char32_t least;
};

/// How many bytes a character has that starts with `first`; length 0 where none does.
constexpr lead lead_of(std::uint8_t first) noexcept {
  if (first < 0x80)
    return {1, first, 0};
  if (first >= 0xC2 && first <= 0xDF)
    return {2, char32_t{first} & 0x1F, 0x80};
  if (first >= 0xE0 && first <= 0xEF)
    return {3, char32_t{first} & 0x0F, 0x800};
  if (first >= 0xF0 && first <= 0xF4)
    return {4, char32_t{first} & 0x07, 0x10000};
  return {0, 0, 0};
}

/// Bytes of pure ASCII at the front, in steps of eight: most text is nothing else.
std::size_t leading_ascii(std::string_view text) noexcept {
  std::size_t n = 0;
  for (std::uint64_t eight = 0; n + sizeof eight <= text.size(); n += sizeof eight) {
    std::memcpy(&eight, text.data() + n, sizeof eight);
    if ((eight & 0x8080808080808080) != 0)
      break;
  }
  return n;
}

} // namespace

utf8_character first_character(std::string_view text) noexcept {
  if (text.empty())
    return {};
  const auto [length, bits, least] = lead_of(byte_at(text, 0));
  if (length == 0 || length > text.size())
    return {};
  char32_t code = bits;
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = byte_at(text, i);
    if ((next & 0xC0) != 0x80)
      return {};
    code = code << 6 | (next & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < least || surrogate || code > 0x10FFFF)
    return {};
  return {code, length};
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto plain = leading_ascii(text);
    text.remove_prefix(plain);
    if (text.empty())
      break;
    const auto length = first_character(text).length;
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

} // namespace maze::core
