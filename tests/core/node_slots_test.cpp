#include "maze/core/node_slots.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

attempt_id nth(std::uint64_t counter) { return {1, counter}; }
resources cores(std::uint32_t n) { return {.cpu_millis = n * 1000, .memory = {}, .gpus = 0}; }
slot_actions start(std::uint64_t counter, std::uint64_t slot) {
  return {start_attempt{nth(counter), slot_id{slot}}};
}
slot_actions refuse(std::uint64_t counter) { return {refuse_attempt{nth(counter)}}; }

} // namespace

TEST_CASE("attempts start in the lowest free slot while their resources last", "[core][slots]") {
  node_slots sut({.total = cores(2)});
  CHECK(sut.offered(nth(1), cores(1)) == start(1, 0));
  CHECK(sut.offered(nth(2), cores(1)) == start(2, 1));
  CHECK(sut.offered(nth(3), cores(1)).empty());
  CHECK(sut.waiting() == 1);
  CHECK(sut.free() == cores(0));
  CHECK(sut.ended(nth(1)) == start(3, 0));
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
  CHECK(sut.ended(nth(1)) == start(2, 0));
  CHECK(sut.ended(nth(2)) == start(3, 0));
  sut.check_invariants();
}

TEST_CASE("what can never fit is refused, and so is what finds the waiting room full",
          "[core][slots]") {
  node_slots sut({.total = cores(1), .waiting_max = 1});
  CHECK(sut.offered(nth(1), cores(2)) == refuse(1));
  CHECK(sut.offered(nth(2), cores(1)) == start(2, 0));
  CHECK(sut.offered(nth(3), cores(1)).empty());
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
  CHECK(sut.offered(nth(3), {}).empty());
  CHECK(sut.ended(nth(2)) == start(3, 1));
  sut.check_invariants();
}

TEST_CASE("a draining node refuses new attempts and goes on with those it has", "[core][slots]") {
  node_slots sut({.total = cores(1)});
  sut.offered(nth(1), cores(1));
  sut.offered(nth(2), cores(1));
  sut.drain();
  CHECK(sut.offered(nth(3), cores(1)) == refuse(3));
  CHECK(sut.ended(nth(1)) == start(2, 0));
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
  CHECK(sut.offered(nth(2), cores(1)).empty());
  CHECK(sut.offered(nth(2), cores(1)).empty());
  CHECK(sut.ended(nth(9)).empty());
  CHECK(sut.running() == 1);
  CHECK(sut.waiting() == 1);
  sut.check_invariants();
}
