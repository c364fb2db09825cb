#include "maze/core/node_slots.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

attempt_id nth(std::uint64_t counter) { return {1, counter}; }
resources cores(std::uint32_t n) { return {.cpu_millis = n * 1000, .memory = {}, .gpus = 0}; }
slot_actions start(std::uint64_t counter, std::uint64_t slot) {
  return {start_attempt{nth(counter), slot_id{slot}}};
}
slot_actions line_up(std::uint64_t counter, std::uint64_t slot) {
  return {line_up_attempt{nth(counter), slot_id{slot}}};
}
slot_actions recall(std::uint64_t counter, std::uint64_t slot) {
  return {recall_attempt{nth(counter), slot_id{slot}}};
}
using numbers = std::vector<std::uint32_t>;
resources gpus(std::uint32_t n) { return {.cpu_millis = 0, .memory = {}, .gpus = n}; }
slot_actions start(std::uint64_t counter, std::uint64_t slot, numbers which) {
  return {start_attempt{nth(counter), slot_id{slot}, std::move(which)}};
}
slot_actions line_up(std::uint64_t counter, std::uint64_t slot, numbers which) {
  return {line_up_attempt{nth(counter), slot_id{slot}, std::move(which)}};
}
slot_actions refuse(std::uint64_t counter) { return {refuse_attempt{nth(counter)}}; }

} // namespace

TEST_CASE("attempts start in the lowest free slot while their resources last", "[core][slots]") {
  node_slots sut({.total = cores(2)});
  CHECK(sut.offered(nth(1), cores(1)) == start(1, 0));
  CHECK(sut.offered(nth(2), cores(1)) == start(2, 1));
  CHECK(sut.offered(nth(3), cores(1)) == line_up(3, 0));
  CHECK(sut.waiting() == 1);
  CHECK(sut.free() == cores(0));
  CHECK(sut.ended(nth(1)).empty());
  CHECK(sut.running() == 2);
  CHECK(sut.ended(nth(3)).empty());
  CHECK(sut.ended(nth(2)).empty());
  CHECK(sut.offered(nth(4), cores(2)) == start(4, 0));
  sut.check_invariants();
}

TEST_CASE("a large attempt that waits is not overtaken by a small one", "[core][slots]") {
  node_slots sut({.total = cores(2)});
  sut.offered(nth(1), cores(1));
  CHECK(sut.offered(nth(2), cores(2)).empty());
  CHECK(sut.offered(nth(3), cores(1)).empty());
  CHECK(sut.ended(nth(1)) == slot_actions{start(2, 0)[0], line_up(3, 0)[0]});
  CHECK(sut.ended(nth(2)).empty());
  CHECK(sut.running() == 1);
  sut.check_invariants();
}

TEST_CASE("what can never fit is refused, and so is what finds the waiting room full",
          "[core][slots]") {
  node_slots sut({.total = cores(1), .waiting_max = 1});
  CHECK(sut.offered(nth(1), cores(2)) == refuse(1));
  CHECK(sut.offered(nth(2), cores(1)) == start(2, 0));
  CHECK(sut.offered(nth(3), cores(1)) == line_up(3, 0));
  CHECK(sut.offered(nth(4), cores(1)) == refuse(4));
  sut.check_invariants();
}

TEST_CASE("without a waiting room an attempt starts at once or is refused", "[core][slots]") {
  node_slots sut({.total = cores(1), .waiting_max = 0});
  CHECK(sut.offered(nth(1), cores(1)) == start(1, 0));
  CHECK(sut.offered(nth(2), cores(1)) == refuse(2));
  sut.check_invariants();
}

TEST_CASE("attempts that ask for nothing are bounded by the slots", "[core][slots]") {
  node_slots sut({.total = {}, .waiting_max = 8, .slots_max = 2});
  CHECK(sut.offered(nth(1), {}) == start(1, 0));
  CHECK(sut.offered(nth(2), {}) == start(2, 1));
  CHECK(sut.offered(nth(3), {}) == line_up(3, 0));
  CHECK(sut.ended(nth(2)) == recall(3, 0));
  CHECK(sut.returned(nth(3)) == start(3, 1));
  sut.check_invariants();
}

TEST_CASE("a draining node refuses new attempts and goes on with those it has", "[core][slots]") {
  node_slots sut({.total = cores(1)});
  sut.offered(nth(1), cores(1));
  sut.offered(nth(2), cores(1));
  sut.drain();
  CHECK(sut.offered(nth(3), cores(1)) == refuse(3));
  CHECK(sut.ended(nth(1)).empty());
  CHECK(sut.running() == 1);
  sut.check_invariants();
}

TEST_CASE("the end of a waiting attempt lets the next one go", "[core][slots]") {
  node_slots sut({.total = cores(2)});
  sut.offered(nth(1), cores(1));
  sut.offered(nth(2), cores(2));
  sut.offered(nth(3), cores(1));
  CHECK(sut.ended(nth(2)) == start(3, 1));
  sut.check_invariants();
}

TEST_CASE("a repeated offer and the end of a stranger change nothing", "[core][slots]") {
  node_slots sut({.total = cores(1)});
  CHECK(sut.offered(nth(1), cores(1)) == start(1, 0));
  CHECK(sut.offered(nth(1), cores(1)).empty());
  CHECK(sut.offered(nth(2), cores(1)) == line_up(2, 0));
  CHECK(sut.offered(nth(2), cores(1)).empty());
  CHECK(sut.returned(nth(1)).empty());
  CHECK(sut.returned(nth(9)).empty());
  CHECK(sut.ended(nth(9)).empty());
  CHECK(sut.running() == 1);
  CHECK(sut.waiting() == 1);
  sut.check_invariants();
}

TEST_CASE("behind a large attempt one small one is lined up, and gives back what it does not need",
          "[core][slots]") {
  node_slots sut({.total = cores(4)});
  sut.offered(nth(1), cores(3));
  CHECK(sut.offered(nth(2), cores(2)) == line_up(2, 0));
  CHECK(sut.offered(nth(3), cores(2)).empty());
  CHECK(sut.ended(nth(1)) == start(3, 1));
  CHECK(sut.free() == cores(0));
  sut.check_invariants();
}

TEST_CASE("nothing small is lined up before a large attempt that came earlier", "[core][slots]") {
  node_slots sut({.total = cores(2)});
  sut.offered(nth(1), cores(1));
  sut.offered(nth(2), cores(1));
  CHECK(sut.offered(nth(3), cores(2)).empty());
  CHECK(sut.offered(nth(4), cores(1)).empty());
  CHECK(sut.lined_up() == 0);
  CHECK(sut.ended(nth(1)).empty());
  CHECK(sut.ended(nth(2)) == slot_actions{start(3, 0)[0], line_up(4, 0)[0]});
  sut.check_invariants();
}

TEST_CASE("an attempt that fits starts when the large one before it is lined up", "[core][slots]") {
  node_slots sut({.total = cores(4)});
  CHECK(sut.offered(nth(1), cores(3)) == start(1, 0));
  CHECK(sut.offered(nth(2), cores(4)).empty());
  CHECK(sut.offered(nth(3), cores(3)).empty());
  CHECK(sut.offered(nth(4), cores(1)).empty());
  CHECK(sut.ended(nth(2)) == slot_actions{line_up(3, 0)[0], start(4, 1)[0]});
  sut.check_invariants();
}

TEST_CASE("an attempt that is lined up is recalled when it could start elsewhere",
          "[core][slots]") {
  node_slots sut({.total = cores(2)});
  sut.offered(nth(1), cores(1));
  sut.offered(nth(2), cores(1));
  CHECK(sut.offered(nth(3), cores(1)) == line_up(3, 0));
  CHECK(sut.ended(nth(2)) == recall(3, 0));
  sut.check_invariants();
  SECTION("and starts there") {
    CHECK(sut.returned(nth(3)) == start(3, 1));
    CHECK(sut.lined_up() == 0);
  }
  SECTION("unless it began meanwhile") {
    CHECK(sut.ended(nth(1)).empty());
    CHECK(sut.running() == 1);
    CHECK(sut.returned(nth(3)).empty());
    CHECK(sut.offered(nth(4), cores(1)) == start(4, 1));
  }
  SECTION("or ended") {
    CHECK(sut.ended(nth(3)).empty());
    CHECK(sut.offered(nth(4), cores(1)) == start(4, 1));
    CHECK(sut.offered(nth(5), cores(1)) == line_up(5, 0));
  }
  sut.check_invariants();
}

TEST_CASE("an attempt waits behind a long one for two intervals only", "[core][slots]") {
  node_slots sut({.total = cores(2)});
  sut.offered(nth(1), cores(1));
  sut.offered(nth(2), cores(1));
  sut.offered(nth(3), cores(1));
  CHECK(sut.offered(nth(4), cores(1)) == line_up(4, 1));
  CHECK(sut.time_passed().empty());
  CHECK(sut.ended(nth(2)).empty());
  CHECK(sut.offered(nth(5), cores(1)) == line_up(5, 1));
  CHECK(sut.time_passed() == recall(3, 0));
  CHECK(sut.offered(nth(6), cores(1)).empty());
  CHECK(sut.returned(nth(3)).empty());
  sut.check_invariants();
  // The oldest goes next, although others were lined up meanwhile.
  CHECK(sut.ended(nth(4)) == line_up(3, 1));
  CHECK(sut.ended(nth(5)) == line_up(6, 1));
  sut.check_invariants();
}

TEST_CASE("an attempt gets GPUs that no other one has, the first that are free", "[core][slots]") {
  node_slots sut({.total = gpus(4), .waiting_max = 0});
  CHECK(sut.offered(nth(1), gpus(1)) == start(1, 0, {0}));
  CHECK(sut.offered(nth(2), gpus(2)) == start(2, 1, {1, 2}));
  CHECK(sut.offered(nth(3), gpus(0)) == start(3, 2, {}));
  CHECK(sut.offered(nth(4), gpus(1)) == start(4, 3, {3}));
  CHECK(sut.offered(nth(5), gpus(1)) == refuse(5));
  sut.check_invariants();
  CHECK(sut.ended(nth(2)).empty());
  CHECK(sut.ended(nth(1)).empty());
  CHECK(sut.offered(nth(6), gpus(3)) == start(6, 0, {0, 1, 2}));
  CHECK(sut.free() == gpus(0));
  sut.check_invariants();
}

TEST_CASE("who is lined up takes over GPUs of the one before it, and the others are free",
          "[core][slots]") {
  node_slots sut({.total = gpus(3)});
  CHECK(sut.offered(nth(1), gpus(1)) == start(1, 0, {0}));
  CHECK(sut.offered(nth(2), gpus(2)) == start(2, 1, {1, 2}));
  CHECK(sut.offered(nth(3), gpus(1)) == line_up(3, 0, {0}));
  CHECK(sut.offered(nth(4), gpus(1)) == line_up(4, 1, {1}));
  sut.check_invariants();
  SECTION("when that ends") {
    CHECK(sut.ended(nth(2)) == recall(3, 0));
    sut.check_invariants();
    CHECK(sut.returned(nth(3)) == start(3, 2, {2}));
    CHECK(sut.free() == gpus(0));
  }
  SECTION("and gives them up where it ends first") {
    CHECK(sut.ended(nth(4)).empty());
    CHECK(sut.ended(nth(2)) == recall(3, 0));
    CHECK(sut.offered(nth(5), gpus(1)) == start(5, 1, {1}));
  }
  sut.check_invariants();
}

TEST_CASE("an attempt that starts elsewhere gets other GPUs than where it was lined up",
          "[core][slots]") {
  node_slots sut({.total = gpus(2)});
  sut.offered(nth(1), gpus(1));
  sut.offered(nth(2), gpus(1));
  CHECK(sut.offered(nth(3), gpus(1)) == line_up(3, 0, {0}));
  CHECK(sut.ended(nth(2)) == recall(3, 0));
  CHECK(sut.returned(nth(3)) == start(3, 1, {1}));
  CHECK(sut.ended(nth(1)).empty());
  CHECK(sut.offered(nth(4), gpus(1)) == start(4, 0, {0}));
  sut.check_invariants();
}

TEST_CASE("an attempt without GPUs leaves those of the one before it to others", "[core][slots]") {
  node_slots sut({.total = {.cpu_millis = 1000, .memory = {}, .gpus = 1}});
  CHECK(sut.offered(nth(1), {.cpu_millis = 1000, .memory = {}, .gpus = 1}) == start(1, 0, {0}));
  CHECK(sut.offered(nth(2), cores(1)) == line_up(2, 0, {}));
  CHECK(sut.ended(nth(1)).empty());
  CHECK(sut.offered(nth(3), gpus(1)) == start(3, 1, {0}));
  sut.check_invariants();
}

TEST_CASE("nobody is lined up behind a lane, and no lane is lined up", "[core][slots]") {
  node_slots sut({.total = cores(1)});
  CHECK(sut.lane_offered(nth(1), cores(1), run_id{7}) == start(1, 0));
  CHECK(sut.offered(nth(2), cores(1)).empty());
  CHECK(sut.lined_up() == 0);
  CHECK(sut.watches());
  CHECK(sut.ended(nth(1)) == start(2, 0));
  CHECK(sut.lane_offered(nth(3), cores(1), run_id{7}).empty());
  CHECK(sut.lined_up() == 0);
  CHECK_FALSE(sut.watches());
  sut.check_invariants();
}

TEST_CASE("a lane yields to what has waited for two intervals, one lane at a time",
          "[core][slots]") {
  node_slots sut({.total = cores(2)});
  sut.lane_offered(nth(1), cores(1), run_id{7});
  sut.lane_offered(nth(2), cores(1), run_id{7});
  sut.offered(nth(3), cores(1));
  CHECK(sut.time_passed().empty());
  CHECK(sut.time_passed() == slot_actions{yield_lane{nth(1)}});
  CHECK(sut.time_passed().empty());
  CHECK(sut.ended(nth(1)) == start(3, 0));
  sut.check_invariants();
}

TEST_CASE("lanes of two runs come to share a node evenly", "[core][slots]") {
  node_slots sut({.total = cores(3)});
  for (std::uint64_t lane : {1, 2, 3})
    sut.lane_offered(nth(lane), cores(1), run_id{7});
  // More of the same run is no reason to yield.
  sut.lane_offered(nth(4), cores(1), run_id{7});
  CHECK(sut.time_passed().empty());
  CHECK(sut.time_passed().empty());
  sut.ended(nth(4));
  sut.lane_offered(nth(5), cores(1), run_id{8});
  CHECK(sut.time_passed().empty());
  CHECK(sut.time_passed() == slot_actions{yield_lane{nth(1)}});
  CHECK(sut.ended(nth(1)) == start(5, 0));
  sut.lane_offered(nth(6), cores(1), run_id{8});
  CHECK(sut.time_passed().empty());
  CHECK(sut.time_passed().empty());
  sut.check_invariants();
}
