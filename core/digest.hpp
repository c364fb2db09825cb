#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace maze::core {

/// A 128-bit content hash (XXH3-128) as a value; `io` computes it.
struct digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend auto operator<=>(const digest&, const digest&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, digest& x) {
    return f(x.high, x.low);
  }
};

/// 32 lower-case hexadecimal digits, most significant first.
inline std::string to_string(const digest& x) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out(32, '0');
  for (int i = 0; i < 16; ++i) {
    out[static_cast<std::size_t>(15 - i)] = digits[(x.high >> (4 * i)) & 15];
    out[static_cast<std::size_t>(31 - i)] = digits[(x.low >> (4 * i)) & 15];
  }
  return out;
}

/// The inverse of `to_string`; nothing unless `text` is exactly 32 lower-case hexadecimal digits.
inline std::optional<digest> digest_from_string(std::string_view text) {
  if (text.size() != 32)
    return std::nullopt;
  std::array<std::uint64_t, 2> half{};
  for (std::size_t i = 0; i < 32; ++i) {
    const char c = text[i];
    const int nibble = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (nibble < 0)
      return std::nullopt;
    half[i / 16] = half[i / 16] << 4 | static_cast<std::uint64_t>(nibble);
  }
  return digest{half[0], half[1]};
}

} // namespace maze::core

template <>
struct std::hash<maze::core::digest> {
  std::size_t operator()(const maze::core::digest& x) const noexcept {
    return static_cast<std::size_t>(x.low ^ x.high);
  }
};

namespace maze::core {

using digest_set = std::unordered_set<digest>;

} // namespace maze::core
