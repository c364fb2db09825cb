#include "maze/core/retry.hpp"

#include <algorithm>

namespace maze::core {
namespace {

/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), mix64.
std::uint64_t scatter(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

} // namespace

duration retry_delay(const backoff& rule, std::uint32_t earlier_failures,
                     std::uint64_t seed) noexcept {
  auto wait = std::min(rule.first, rule.longest).count();
  for (std::uint32_t i = 0; i < earlier_failures && wait > 0 && wait < rule.longest.count(); ++i)
    wait = wait > rule.longest.count() / 2 ? rule.longest.count() : wait * 2;
  if (wait <= 0)
    return duration::zero();
  const auto quarter = static_cast<std::uint64_t>(wait) / 4;
  return duration(wait - static_cast<std::int64_t>(scatter(seed) % (quarter + 1)));
}

} // namespace maze::core
