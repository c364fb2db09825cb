#pragma once

#include "maze/core/units.hpp"

#include <cstdint>

namespace maze::core {

/// How long to wait before a task is tried again.
struct backoff {
  /// After the first failure; doubles with each further one. 0 = no wait at all.
  duration first = std::chrono::milliseconds(200);
  /// Never longer than this.
  duration longest = std::chrono::seconds(30);
};

/// min(longest, first * 2^earlier_failures), less up to a quarter of it so that tasks which failed
/// together do not come back together. The same seed gives the same wait.
/// Source: RC-47 for the doubling with a cap; the share of the jitter is ours.
duration retry_delay(const backoff& rule, std::uint32_t earlier_failures,
                     std::uint64_t seed) noexcept;

} // namespace maze::core
