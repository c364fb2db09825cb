#include "maze/core/lane_reserve.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;

TEST_CASE("lanes are kept for a client that is there, or may still come", "[core][lane_reserve]") {
  lane_reserve sut({.lanes_min = 2}, 100s);
  CHECK(sut.kept({}, 159s) == 2);
  CHECK(sut.kept({}, 160s) == 0);
  sut.client_came();
  CHECK(sut.kept({}, 1h) == 2);
  sut.client_gone(1h);
  CHECK(sut.kept({}, 1h + 4s) == 2);
  CHECK(sut.kept({}, 1h + 5s) == 0);
  sut.client_came();
  CHECK(sut.kept({.takes_calls = false}, 2h) == 0);
}

TEST_CASE("one lane more is wanted below the number that is kept, or where calls wait",
          "[core][lane_reserve]") {
  lane_reserve sut({.lanes_min = 2}, 0s);
  sut.client_came();
  CHECK(sut.wants_lane({.lanes = 1}, 1s));
  CHECK_FALSE(sut.wants_lane({.lanes = 2}, 1s));
  CHECK(sut.wants_lane({.lanes = 2, .calls_wait = true}, 1s));
  CHECK(sut.wants_lane({.lanes = 0, .calls_wait = true, .takes_calls = false}, 1s));
  CHECK_FALSE(sut.wants_lane({.lanes = 0, .takes_calls = false}, 1s));
}

TEST_CASE("a slot that is not free soon is left to others for a while", "[core][lane_reserve]") {
  lane_reserve sut({.lanes_min = 1}, 0s);
  sut.client_came();
  sut.waited(1999ms, {}, 10s);
  CHECK(sut.wants_lane({}, 10s));
  sut.waited(2s, {.calls_wait = true}, 10s);
  CHECK(sut.wants_lane({}, 10s));
  sut.waited(2s, {}, 10s);
  CHECK_FALSE(sut.wants_lane({}, 10s));
  CHECK_FALSE(sut.wants_lane({}, 14999ms));
  CHECK(sut.wants_lane({.calls_wait = true}, 10s));
  CHECK(sut.wants_lane({}, 15s));
}

TEST_CASE("a slot that was given back is left to others for a while", "[core][lane_reserve]") {
  lane_reserve sut({.lanes_min = 1}, 0s);
  sut.client_came();
  sut.gave_back(10s);
  CHECK_FALSE(sut.wants_lane({}, 14s));
  CHECK(sut.wants_lane({}, 15s));
}

TEST_CASE("children that die before they answer are not kept ready", "[core][lane_reserve]") {
  lane_reserve sut({.lanes_min = 1, .losses_max = 3}, 0s);
  sut.client_came();
  for (int i = 0; i < 2; ++i)
    sut.lost_unanswered();
  sut.answered();
  for (int i = 0; i < 2; ++i)
    sut.lost_unanswered();
  CHECK(sut.wants_lane({}, 1s));
  sut.lost_unanswered();
  CHECK_FALSE(sut.wants_lane({}, 1s));
  CHECK(sut.wants_lane({.calls_wait = true}, 1s));
  sut.answered();
  CHECK(sut.wants_lane({}, 1s));
}
