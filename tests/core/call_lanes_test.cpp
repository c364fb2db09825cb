#include "maze/core/call_lanes.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

call_lane& opened(call_lanes& in, std::uint64_t name) { return in.open(lane_id{name}); }

void give(call_lanes& in, call_lane& lane, std::uint32_t calls) {
  for (std::uint32_t i = 0; i < calls; ++i)
    lane.add(i);
  in.settle(lane);
}

} // namespace

TEST_CASE("a lane gets as many calls as take 20 ms", "[core][call_lanes]") {
  const lane_limits limits;
  call_pace pace;
  CHECK(pace.credit(limits) == 2);
  pace.note(0, 1s);
  CHECK_FALSE(pace.known());
  pace.note(100, 100ms);
  CHECK(pace.mean() == 1ms);
  CHECK(pace.credit(limits) == 20);
  call_pace quick;
  quick.note(1000, 0ns);
  CHECK(quick.credit(limits) == 1024);
  call_pace slow;
  slow.note(1, 10h);
  CHECK(slow.mean() == 1h);
  CHECK(slow.credit(limits) == 2);
}

TEST_CASE("calls that become slow are noticed after a few", "[core][call_lanes]") {
  call_pace pace;
  pace.note(1000, 1ms);
  for (int i = 0; i < 8; ++i)
    pace.note(1, 100ms);
  CHECK(pace.mean() > 80ms);
  pace.note(1000, 1ms);
  CHECK(pace.mean() < 10ms);
}

TEST_CASE("a new lane begins with the pace of its run", "[core][call_lanes]") {
  call_lanes sut({});
  auto& first = opened(sut, 1);
  CHECK(first.credit == 2);
  sut.note_pace(first, 10, 10ms);
  CHECK(first.credit == 20);
  CHECK(opened(sut, 2).credit == 20);
  sut.check_invariants();
}

TEST_CASE("lanes have room while they are open and within their credit", "[core][call_lanes]") {
  call_lanes sut({});
  auto& lane = opened(sut, 1);
  CHECK(sut.idle() == 1);
  give(sut, lane, 1);
  CHECK(sut.idle() == 0);
  CHECK(sut.with_room() == 1);
  give(sut, lane, 1);
  CHECK(sut.with_room() == 0);
  lane.drop(2);
  lane.closing = true;
  sut.settle(lane);
  CHECK(sut.with_room() == 0);
  sut.check_invariants();
  sut.remove(lane);
  CHECK(sut.size() == 0);
  CHECK(sut.find(lane_id{1}) == nullptr);
}

TEST_CASE("idle lanes come first, then each in its turn", "[core][call_lanes]") {
  call_lanes sut({.credit_min = 8});
  auto& a = opened(sut, 1);
  auto& b = opened(sut, 2);
  CHECK(&sut.next() == &a);
  give(sut, a, 1);
  CHECK(&sut.next() == &b);
  CHECK(sut.idle_lanes() == std::vector{lane_id{2}});
  give(sut, b, 1);
  CHECK(&sut.next() == &a);
  give(sut, a, 1);
  CHECK(&sut.next() == &b);
  CHECK(&sut.to_fill() == &a);
}

TEST_CASE("few short calls fill the lane that works", "[core][call_lanes]") {
  call_lanes sut({});
  auto& a = opened(sut, 1);
  opened(sut, 2);
  CHECK_FALSE(sut.are_few(1));
  sut.note_pace(a, 100, 1ms);
  give(sut, a, 1);
  CHECK(sut.are_few(63));
  CHECK_FALSE(sut.are_few(64));
  CHECK(&sut.to_fill() == &a);
  sut.note_pace(a, 100, 1s);
  CHECK_FALSE(sut.are_few(2));
}

TEST_CASE("a lane forgets calls wherever they are, or none of them", "[core][call_lanes]") {
  call_lane lane(lane_id{1});
  for (call_number i = 0; i < 6; ++i)
    lane.add(i);
  lane.drop(1);
  CHECK(lane.size() == 5);
  CHECK_FALSE(lane.remove(std::array<call_number, 2>{2, 0}));
  CHECK_FALSE(lane.remove(std::array<call_number, 2>{2, 2}));
  CHECK(lane.size() == 5);
  CHECK(lane.remove(std::array<call_number, 2>{4, 2}));
  const std::vector<call_number> left(lane.held().begin(), lane.held().end());
  CHECK(left == std::vector<call_number>{1, 3, 5});
  lane.drop(3);
  CHECK(lane.size() == 0);
}
