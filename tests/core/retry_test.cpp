#include "maze/core/retry.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace maze::core;
using namespace std::chrono_literals;

TEST_CASE("the wait doubles up to the longest, less at most a quarter", "[core][retry]") {
  const backoff rule{.first = 2s, .longest = 60s};
  const duration full[] = {2s, 4s, 8s, 16s, 32s, 60s, 60s};
  for (std::uint32_t failures = 0; failures < 7; ++failures)
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const auto wait = retry_delay(rule, failures, seed);
      CHECK(wait <= full[failures]);
      CHECK(wait >= full[failures] * 3 / 4);
    }
}

TEST_CASE("one seed gives one wait and different seeds spread it", "[core][retry]") {
  const backoff rule{.first = 1s, .longest = 60s};
  std::set<duration> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CHECK(retry_delay(rule, 1, seed) == retry_delay(rule, 1, seed));
    waits.insert(retry_delay(rule, 1, seed));
  }
  CHECK(waits.size() > 90);
}

TEST_CASE("any number of failures and any bounds give a wait that fits", "[core][retry]") {
  CHECK(retry_delay({.first = 1ns, .longest = duration::max()}, 4'000'000'000U, 1) > 0ns);
  CHECK(retry_delay({.first = 5s, .longest = 1s}, 0, 1) <= 1s);
  CHECK(retry_delay({.first = 0s, .longest = 1s}, 9, 1) == 0s);
}
