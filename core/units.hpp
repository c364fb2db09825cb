#pragma once

#include "maze/core/result.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace maze::core {

/// A number of bytes.
struct byte_count {
  std::uint64_t value = 0;

  friend auto operator<=>(const byte_count&, const byte_count&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, byte_count& x) {
    return f(x.value);
  }
};

/// A share of a whole, in hundredths of a percent: 80 % is 8000. 0 to 10000.
struct percentage {
  std::uint32_t basis_points = 0;

  friend auto operator<=>(const percentage&, const percentage&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, percentage& x) {
    return f(x.basis_points);
  }
};

using duration = std::chrono::nanoseconds;
/// A moment on the deciding node's steady clock, in nanoseconds since an arbitrary origin.
using instant = std::chrono::nanoseconds;

/// Parses `512`, `512B`, `64KB`, `64KiB`, `2GB`, `1.5GiB`, up to TB/TiB: KB is 1000, KiB 1024.
/// A fraction must come out as whole bytes. Fails with `invalid_argument` naming what is allowed.
result<byte_count> parse_byte_count(std::string_view text);
/// Parses `300ms`, `1.5s`, `10m`, `2h`, `1d`, `250us`, `10ns`; a number without a unit is refused
/// (the error says so), as are negative and overflowing ones.
result<duration> parse_duration(std::string_view text);
/// Parses `80%` or `12.5%`; 0 to 100.
result<percentage> parse_percentage(std::string_view text);

/// The shortest exact text with the largest unit, for example `2GiB`, `1500B`; parses back to itself.
std::string to_string(byte_count x);
/// Two numbers of bytes with units of one kind, either of 1024 or of 1000, so that they can be
/// compared at a glance: `exact` as `to_string` writes it, `rounded` down to two decimals.
struct byte_count_pair {
  std::string exact;
  std::string rounded;
};
byte_count_pair in_like_units(byte_count exact, byte_count rounded);
/// The shortest exact text, for example `10m`, `1500ms`; parses back to itself.
std::string to_string(duration x);
std::string to_string(percentage x);

} // namespace maze::core
