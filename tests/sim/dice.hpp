#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace maze::sim {

/// Numbers that look random and are the same for the same seed on every machine.
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014).
class dice {
public:
  explicit dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    auto x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }
  /// 0 to `bound` - 1.
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(next() % bound); }
  bool percent(std::uint32_t chance) { return below(100) < chance; }

private:
  std::uint64_t state_;
};

/// A rule of the world does not hold. Says which one; the caller adds the seed.
class broken_rule : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

inline void rule(bool holds, const std::string& what) {
  if (!holds)
    throw broken_rule(what);
}

} // namespace maze::sim
