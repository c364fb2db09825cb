#include "maze/core/scheduler_books.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

resources cores(std::uint32_t n) { return {.cpu_millis = n * 1000, .memory = {}, .gpus = 0}; }
ready_task task(std::uint64_t n, std::uint32_t needs = 1, std::int32_t priority = 0) {
  return {.run = run_id{1},
          .task = task_id{n},
          .attempt = {1, n},
          .needs = cores(needs),
          .priority = priority,
          .local_bytes = {}};
}
assign placed(std::uint64_t n, std::uint64_t node) {
  return {run_id{1}, task_id{n}, {1, n}, node_id{node}};
}
using actions = scheduling_actions;

} // namespace

TEST_CASE("a node holds some attempts ahead of the resources they need", "[core][scheduler]") {
  scheduler sut({.prefetch = 1});
  sut.node_joined(node_id{1}, cores(2));
  CHECK(sut.submit({task(1), task(2), task(3), task(4)})
        == actions{placed(1, 1), placed(2, 1), placed(3, 1)});
  CHECK(sut.active() == 3);
  CHECK(sut.attempt_ended({1, 2}) == actions{placed(4, 1)});
  CHECK(sut.attempt_ended({1, 3}).empty());
  sut.check_invariants();
}

TEST_CASE("a node with more cores holds more attempts ahead", "[core][scheduler]") {
  scheduler sut({.prefetch = 1, .prefetch_per_core = 2});
  sut.node_joined(node_id{1}, cores(2));
  CHECK(sut.submit({task(1), task(2), task(3), task(4), task(5), task(6), task(7)}).size() == 6);
  sut.check_invariants();
  scheduler narrow({.prefetch = 1, .prefetch_per_core = 2});
  narrow.node_joined(node_id{1}, {.cpu_millis = 500});
  CHECK(narrow
            .submit({{.attempt = {1, 1}, .needs = {.cpu_millis = 500}},
                     {.attempt = {1, 2}, .needs = {.cpu_millis = 500}},
                     {.attempt = {1, 3}, .needs = {.cpu_millis = 500}}})
            .size()
        == 2);
}

TEST_CASE("what fits at once goes before what is sent ahead", "[core][scheduler]") {
  scheduler sut({.prefetch = 1});
  sut.node_joined(node_id{1}, cores(2));
  sut.node_joined(node_id{2}, cores(2));
  sut.submit({task(1), task(2), task(3)});
  CHECK(sut.submit(task(4, 2)) == actions{placed(4, 2)});
  CHECK(sut.submit(task(5, 2)) == actions{placed(5, 1)});
  CHECK(sut.submit(task(6)).empty());
  CHECK(sut.attempt_ended({1, 2}) == actions{placed(6, 2)});
  sut.check_invariants();
}

TEST_CASE("only what fits the empty node is sent ahead", "[core][scheduler]") {
  scheduler sut({.prefetch = 4});
  sut.node_joined(node_id{1}, cores(1));
  sut.node_joined(node_id{2}, cores(2));
  sut.submit({task(1, 2), task(2, 2), task(3, 2)});
  CHECK(sut.submit(task(4)) == actions{placed(4, 1)});
  CHECK(sut.active() == 4);
  sut.check_invariants();
}

TEST_CASE("a large task that was passed over often enough gets a node to itself",
          "[core][scheduler]") {
  scheduler sut({.prefetch = 0, .passes_max = 3});
  sut.node_joined(node_id{1}, cores(2));
  sut.submit({task(1), task(2)});
  CHECK(sut.submit(task(100, 2)).empty());
  std::uint64_t next = 3;
  for (int passes = 0; passes < 3; ++passes, ++next) {
    sut.submit(task(next));
    CHECK(sut.attempt_ended({1, next - 2}) == actions{placed(next, 1)});
    sut.check_invariants();
  }
  sut.submit(task(next));
  CHECK(sut.attempt_ended({1, next - 2}).empty());
  CHECK(sut.attempt_ended({1, next - 1}) == actions{placed(100, 1)});
  CHECK(sut.attempt_ended({1, 100}) == actions{placed(next, 1)});
  sut.check_invariants();
}

TEST_CASE("a reservation ends with its task, its node or a better place", "[core][scheduler]") {
  scheduler sut({.prefetch = 0, .passes_max = 1});
  sut.node_joined(node_id{1}, cores(2));
  sut.submit({task(1), task(2), task(100, 2), task(3)});
  sut.attempt_ended({1, 1});
  sut.submit(task(4));
  sut.attempt_ended({1, 2});
  sut.check_invariants();
  CHECK(sut.waiting() == 2);
  SECTION("the task is taken back") { CHECK(sut.attempt_ended({1, 100}) == actions{placed(4, 1)}); }
  SECTION("the node is lost") {
    CHECK(sut.node_lost(node_id{1}).empty());
    CHECK(sut.node_joined(node_id{2}, cores(1)) == actions{placed(4, 2)});
  }
  SECTION("the node is drained") {
    sut.node_joined(node_id{3}, cores(1));
    CHECK(std::holds_alternative<reject>(sut.node_drained(node_id{1}).front()));
  }
  SECTION("another node has room") {
    CHECK(sut.node_joined(node_id{2}, cores(2)) == actions{placed(100, 2), placed(4, 1)});
  }
  sut.check_invariants();
}

TEST_CASE("a task that waits for a lost node does not stand in for the first one",
          "[core][scheduler]") {
  scheduler sut({.prefetch = 0, .passes_max = 1});
  sut.node_joined(node_id{1}, cores(8));
  sut.node_lost(node_id{1});
  sut.node_joined(node_id{2}, cores(2));
  sut.submit({task(50, 8), task(1), task(2), task(100, 2), task(3)});
  CHECK(sut.attempt_ended({1, 1}) == actions{placed(3, 2)});
  sut.submit(task(4));
  CHECK(sut.attempt_ended({1, 2}).empty());
  CHECK(sut.attempt_ended({1, 3}) == actions{placed(100, 2)});
  sut.check_invariants();
}
