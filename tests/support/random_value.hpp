#pragma once

#include "maze/core/value.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <utility>

namespace maze::test {

/// A stream of values that repeats for the same seed: every kind, odd texts, extreme numbers, no NaN
/// (it equals nothing) unless asked for.
class random_values {
public:
  struct options {
    std::uint32_t depth_max = 4;
    std::uint32_t length_max = 5;
    bool nan = false;
  };

  explicit random_values(std::uint64_t seed) : random_(seed) {}
  random_values(std::uint64_t seed, options shape) : random_(seed), shape_(shape) {}

  core::value next() { return make(shape_.depth_max); }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  /// Well-formed UTF-8 with controls, quotes and characters of every length.
  std::string text();
  std::string raw_bytes();

private:
  core::value make(std::uint32_t depth);
  std::int64_t integer();
  double real();

  std::mt19937_64 random_;
  options shape_;
};

/// `levels` lists inside each other; the innermost is empty. 0: null.
core::value nested_lists(std::uint32_t levels);
/// `levels` dictionaries inside each other, each under the key `k`; 0: null.
core::value nested_dicts(std::uint32_t levels);

inline std::string random_values::text() {
  static const char32_t odd[] = {0,     '"',    '\\',   '\n',   0x1F,   0x7F,    0x80,     0x7FF,
                                 0x800, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF, 0x10000, 0x10FFFF, '$'};
  std::string out;
  for (auto n = below(shape_.length_max + 1); n > 0; --n) {
    const char32_t c =
        below(2) == 0 ? odd[below(std::size(odd))] : U'a' + static_cast<char32_t>(below(26));
    const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
    if (c < 0x80)
      out += static_cast<char>(c);
    else if (c < 0x800)
      out += {static_cast<char>(0xC0 | c >> 6), tail(0)};
    else if (c < 0x10000)
      out += {static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)};
    else
      out += {static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)};
  }
  return out;
}

inline std::string random_values::raw_bytes() {
  std::string out(below(shape_.length_max * 3 + 1), '\0');
  for (auto& c : out)
    c = static_cast<char>(below(256));
  return out;
}

inline std::int64_t random_values::integer() {
  return static_cast<std::int64_t>(random_() >> below(64)) * (below(2) == 0 ? 1 : -1);
}

inline double random_values::real() {
  static const double odd[] = {0.0,
                               -0.0,
                               1.0,
                               1e300,
                               5e-324,
                               0.1,
                               9007199254740993.0,
                               std::numeric_limits<double>::max(),
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity()};
  if (below(2) == 0)
    return odd[below(std::size(odd))];
  const auto x = std::bit_cast<double>(random_());
  return x == x || shape_.nan ? x : 0.5;
}

inline core::value random_values::make(std::uint32_t depth) {
  switch (below(depth == 0 ? 8 : 12)) {
  case 0:
    return nullptr;
  case 1:
    return below(2) == 0;
  case 2:
    return integer();
  case 3:
    return real();
  case 4:
    return text();
  case 5: {
    core::bytes out;
    for (const char c : raw_bytes())
      out.push_back(static_cast<std::byte>(c));
    return out;
  }
  case 6:
    return core::blob_ref{{random_(), random_()}, random_() >> below(64), text()};
  case 7:
    return core::object_ref{random_(), random_()};
  case 8:
  case 9: {
    core::list out;
    for (auto n = below(shape_.length_max + 1); n > 0; --n)
      out.push_back(make(depth - 1));
    return out;
  }
  default: {
    core::dict out;
    // Keys that a textual form may use as its own marks must be no trap.
    static const char* const marks[] = {"$",     "$$",      "$bytes",  "$float",
                                        "$blob", "$object", "$$bytes", ""};
    for (auto n = below(shape_.length_max + 1); n > 0; --n)
      out.insert_or_assign(below(3) == 0 ? marks[below(std::size(marks))] : text(),
                           make(depth - 1));
    return out;
  }
  }
}

inline core::value nested_lists(std::uint32_t levels) {
  core::value out;
  for (std::uint32_t i = 0; i < levels; ++i)
    out = i == 0 ? core::value(core::list{}) : core::value(core::list{std::move(out)});
  return out;
}

inline core::value nested_dicts(std::uint32_t levels) {
  core::value out;
  for (std::uint32_t i = 0; i < levels; ++i) {
    core::dict next;
    next.emplace("k", std::move(out));
    out = std::move(next);
  }
  return out;
}

} // namespace maze::test
