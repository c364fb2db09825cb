#include "maze/core/reclaim_plan.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

constexpr digest a{0, 1};
constexpr digest b{0, 2};
constexpr digest c{0, 3};

std::vector<digest> sorted(std::vector<digest> x) {
  std::sort(x.begin(), x.end());
  return x;
}

} // namespace

TEST_CASE("what nobody names in a round may go", "[core][reclaim]") {
  reclaim_plan sut({.claim = 60s});
  CHECK(sut.begin(0s) == nullptr);
  sut.suspect({a, b, c});
  const auto asked = sut.begin(0s);
  REQUIRE(asked);
  CHECK(*asked == digest_set{a, b, c});
  sut.needed({b});
  CHECK(sorted(sut.decide(1s)) == std::vector{a, c});
}

TEST_CASE("a blob that goes is named in two rounds", "[core][reclaim]") {
  reclaim_plan sut({.claim = 60s});
  sut.suspect({a});
  for (int round = 0; round < 2; ++round) {
    INFO("round " << round);
    REQUIRE(sut.begin(0s));
    const auto decided = sut.decide(0s);
    CHECK(decided == std::vector{a});
    sut.end(decided, {});
  }
  CHECK(sut.idle());
}

TEST_CASE("a blob that the store spares stays a suspect", "[core][reclaim]") {
  reclaim_plan sut({.claim = 60s});
  sut.suspect({a, b});
  REQUIRE(sut.begin(0s));
  sut.end(sut.decide(0s), {b});
  REQUIRE(sut.begin(60s));
  sut.end(sut.decide(60s), {});
  CHECK(sut.suspects() == 1);
  const auto asked = sut.begin(120s);
  REQUIRE(asked);
  CHECK(*asked == digest_set{b});
}

TEST_CASE("a blob that somebody needs is no suspect any more", "[core][reclaim]") {
  reclaim_plan sut({.claim = 60s});
  sut.suspect({a});
  REQUIRE(sut.begin(0s));
  sut.needed({a});
  sut.end(sut.decide(0s), {});
  CHECK(sut.idle());
  CHECK(sut.begin(60s) == nullptr);
}

TEST_CASE("a round that takes too long decides nothing and is repeated", "[core][reclaim]") {
  reclaim_plan sut({.claim = 60s});
  sut.suspect({a});
  REQUIRE(sut.begin(0s));
  const auto decided = sut.decide(30s);
  CHECK(decided.empty());
  sut.end(decided, {});
  REQUIRE(sut.begin(60s));
  CHECK(sut.decide(89s) == std::vector{a});
}

TEST_CASE("what is brought up during a round waits for the next", "[core][reclaim]") {
  reclaim_plan sut({.claim = 60s});
  sut.suspect({a});
  REQUIRE(sut.begin(0s));
  sut.suspect({b});
  const auto decided = sut.decide(0s);
  CHECK(decided == std::vector{a});
  sut.end(decided, {});
  const auto asked = sut.begin(0s);
  REQUIRE(asked);
  CHECK(*asked == digest_set{a, b});
}

TEST_CASE("what went is brought up again on demand, for nodes that still have it",
          "[core][reclaim]") {
  reclaim_plan sut({.claim = 60s, .past_max = 2});
  sut.suspect({a, b});
  for (int round = 0; round < 2; ++round) {
    REQUIRE(sut.begin(0s));
    sut.end(sut.decide(0s), {});
  }
  REQUIRE(sut.idle());
  sut.suspect_past();
  const auto asked = sut.begin(0s);
  REQUIRE(asked);
  CHECK(*asked == digest_set{a, b});
}
