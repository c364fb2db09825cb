#include "maze/core/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>

namespace maze::core {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t size;
};

/// Largest first.
constexpr std::array byte_units{
    unit{"TiB", std::uint64_t{1} << 40},
    unit{"TB", 1'000'000'000'000},
    unit{"GiB", std::uint64_t{1} << 30},
    unit{"GB", 1'000'000'000},
    unit{"MiB", std::uint64_t{1} << 20},
    unit{"MB", 1'000'000},
    unit{"KiB", std::uint64_t{1} << 10},
    unit{"KB", 1'000},
    unit{"B", 1},
};
/// In nanoseconds, largest first.
constexpr std::array duration_units{
    unit{"d", 86'400'000'000'000},
    unit{"h", 3'600'000'000'000},
    unit{"m", 60'000'000'000},
    unit{"s", 1'000'000'000},
    unit{"ms", 1'000'000},
    unit{"us", 1'000},
    unit{"ns", 1},
};

/// `<whole>[.<fraction>]<unit>`, cut into its parts.
struct amount {
  std::string_view whole;
  std::string_view fraction;
  std::string_view unit_name;
};

std::string_view take_digits(std::string_view& text) noexcept {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9')
    ++n;
  const auto digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

std::optional<amount> cut(std::string_view text) noexcept {
  amount out;
  out.whole = take_digits(text);
  if (out.whole.empty())
    return std::nullopt;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    out.fraction = take_digits(text);
    if (out.fraction.empty())
      return std::nullopt;
  }
  out.unit_name = text;
  return out;
}

constexpr std::string_view too_large = "is too large";
constexpr std::string_view not_whole = "does not come out as a whole number of ";

/// What is wrong with an amount, or its size in the smallest unit.
using scaled = tl::expected<std::uint64_t, std::string_view>;

/// `0.<fraction>` times `size`, by long multiplication: whatever stays behind the point is not whole.
scaled scale_fraction(std::string_view fraction, std::uint64_t size) noexcept {
  std::uint64_t carry = 0;
  bool whole = true;
  for (std::size_t i = fraction.size(); i-- > 0;) {
    carry += static_cast<std::uint64_t>(fraction[i] - '0') * size;
    whole = whole && carry % 10 == 0;
    carry /= 10;
  }
  if (!whole)
    return tl::make_unexpected(not_whole);
  return carry;
}

scaled scale(const amount& x, std::uint64_t size) noexcept {
  std::uint64_t out = 0;
  for (const char digit : x.whole) {
    if (__builtin_mul_overflow(out, std::uint64_t{10}, &out)
        || __builtin_add_overflow(out, static_cast<std::uint64_t>(digit - '0'), &out))
      return tl::make_unexpected(too_large);
  }
  const auto part = scale_fraction(x.fraction, size);
  if (!part)
    return part;
  if (__builtin_mul_overflow(out, size, &out) || __builtin_add_overflow(out, *part, &out))
    return tl::make_unexpected(too_large);
  return out;
}

/// What one kind of amount allows and how its errors call it.
struct grammar {
  std::string_view thing;
  std::span<const unit> units;
  std::uint64_t max;
  std::string_view smallest;
  std::string_view allowed;
  /// What a whole number without a unit counts; empty where that is refused.
  std::string_view bare_unit = {};
};

result<std::uint64_t> parse(std::string_view text, const grammar& g) {
  const auto refuse = [&](std::string_view why, std::string_view more = {}) {
    return fail(errc::invalid_argument,
                fmt::format("\"{}\" {}{}: {} is written {}", text, why, more, g.thing, g.allowed));
  };
  auto parts = cut(text);
  if (!parts)
    return refuse(text.starts_with('-') ? "is negative" : "does not start with a number");
  if (parts->unit_name.empty() && parts->fraction.empty())
    parts->unit_name = g.bare_unit;
  if (parts->unit_name.empty())
    return refuse("has no unit");
  for (const auto& u : g.units) {
    if (u.name != parts->unit_name)
      continue;
    const auto size = scale(*parts, u.size);
    if (!size)
      return refuse(size.error(), size.error() == not_whole ? g.smallest : std::string_view{});
    if (*size > g.max)
      return refuse(too_large);
    return *size;
  }
  return refuse("has an unknown unit");
}

/// The shortest whole number with a unit; among equals the larger unit.
std::string shortest(std::uint64_t size, std::span<const unit> units) {
  std::string best;
  for (const auto& u : units) {
    if (size % u.size != 0)
      continue;
    auto text = fmt::format("{}{}", size / u.size, u.name);
    if (best.empty() || text.size() < best.size())
      best = std::move(text);
  }
  return best;
}

} // namespace

result<byte_count> parse_byte_count(std::string_view text) {
  static constexpr grammar bytes{
      "a number of bytes",
      byte_units,
      std::numeric_limits<std::uint64_t>::max(),
      "bytes",
      "as 512, 512B, 64KB (1000), 64KiB (1024), 2GB or 1.5GiB, up to TB and TiB",
      "B"};
  return parse(text, bytes).map([](std::uint64_t n) { return byte_count{n}; });
}

result<duration> parse_duration(std::string_view text) {
  static constexpr grammar durations{
      "a duration", duration_units,
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()), "nanoseconds",
      "as 10ns, 250us, 300ms, 1.5s, 10m, 2h or 1d (at most 106751d)"};
  return parse(text, durations).map([](std::uint64_t n) {
    return duration(static_cast<std::int64_t>(n));
  });
}

result<percentage> parse_percentage(std::string_view text) {
  static constexpr std::array percent{unit{"%", 100}};
  static constexpr grammar percentages{"a percentage", percent, 10'000, "hundredths",
                                       "as 80% or 12.5%, from 0% to 100%"};
  return parse(text, percentages).map([](std::uint64_t n) {
    return percentage{static_cast<std::uint32_t>(n)};
  });
}

std::string to_string(byte_count x) { return x.value == 0 ? "0B" : shortest(x.value, byte_units); }

byte_count_pair in_like_units(byte_count exact, byte_count rounded) {
  byte_count_pair out{to_string(exact), "0B"};
  const bool binary = out.exact.find('i') != std::string::npos;
  for (const auto& u : byte_units) {
    const bool alike = u.size == 1 || (u.name.find('i') != std::string_view::npos) == binary;
    if (!alike || rounded.value < u.size)
      continue;
    // Hundredths of the rest: at most 100 times a TiB, which 64 bits hold.
    const auto hundredths = rounded.value % u.size * 100 / u.size;
    out.rounded = fmt::format("{}.{:02}", rounded.value / u.size, hundredths);
    out.rounded.erase(out.rounded.find_last_not_of('0') + 1);
    if (out.rounded.back() == '.')
      out.rounded.pop_back();
    out.rounded += u.name;
    break;
  }
  return out;
}

std::string to_string(duration x) {
  if (x == duration::zero())
    return "0s";
  const auto size = static_cast<std::uint64_t>(x.count());
  return x < duration::zero() ? "-" + shortest(~size + 1, duration_units)
                              : shortest(size, duration_units);
}

std::string to_string(percentage x) {
  std::string out = fmt::format("{}.{:02}", x.basis_points / 100, x.basis_points % 100);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.')
    out.pop_back();
  return out + "%";
}

} // namespace maze::core
