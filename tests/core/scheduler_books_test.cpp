#include "maze/core/scheduler_books.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

resources cores(std::uint32_t n) { return {.cpu_millis = n * 1000, .memory = {}, .gpus = 0}; }
ready_task task(std::uint64_t n, std::uint32_t needs = 1) {
  return {.run = run_id{1},
          .task = task_id{n},
          .attempt = {1, n},
          .needs = cores(needs),
          .priority = 0,
          .local_bytes = {}};
}
assign placed(std::uint64_t n, std::uint64_t node) {
  return {run_id{1}, task_id{n}, {1, n}, node_id{node}};
}
using actions = scheduling_actions;

} // namespace

TEST_CASE("the attempts of a lost node are forgotten and tasks wait for its return",
          "[core][scheduler]") {
  scheduler sut({});
  sut.node_joined(node_id{1}, cores(4));
  sut.node_joined(node_id{2}, cores(1));
  sut.submit({task(1, 4), task(2)});
  CHECK(sut.active() == 2);
  CHECK(sut.node_lost(node_id{1}).empty());
  CHECK(sut.active() == 1);
  CHECK(sut.attempt_ended({1, 1}).empty());
  CHECK(sut.submit(task(3, 4)).empty());
  CHECK(sut.node_joined(node_id{1}, cores(4)) == actions{placed(3, 1)});
  CHECK(sut.node_lost(node_id{7}).empty());
  sut.check_invariants();
}

TEST_CASE("draining a lost node gives up the tasks that only it could run", "[core][scheduler]") {
  scheduler sut({});
  sut.node_joined(node_id{1}, cores(4));
  sut.node_joined(node_id{2}, cores(1));
  sut.node_lost(node_id{1});
  sut.submit({task(1, 4), task(2, 4)});
  const auto answer = sut.node_drained(node_id{1});
  REQUIRE(answer.size() == 2);
  CHECK(std::get<reject>(answer[0]).attempt == attempt_id{1, 1});
  CHECK(std::get<reject>(answer[1]).attempt == attempt_id{1, 2});
  CHECK(sut.waiting() == 0);
  sut.check_invariants();
}

TEST_CASE("a drained node keeps what it has and gets nothing new", "[core][scheduler]") {
  scheduler sut({});
  sut.node_joined(node_id{1}, cores(2));
  sut.submit(task(1));
  CHECK(sut.node_drained(node_id{1}).empty());
  CHECK(sut.node_drained(node_id{1}).empty());
  CHECK(sut.submit(task(2)).empty());
  CHECK(sut.attempt_ended({1, 1}).empty());
  CHECK(sut.node_joined(node_id{2}, cores(1)) == actions{placed(2, 2)});
  sut.node_lost(node_id{1});
  CHECK(sut.node_joined(node_id{1}, cores(1)).empty());
  CHECK(sut.submit(task(3)) == actions{placed(3, 1)});
  sut.check_invariants();
}

TEST_CASE("a node that joins again starts anew", "[core][scheduler]") {
  scheduler sut({});
  sut.node_joined(node_id{1}, cores(1));
  sut.submit({task(1), task(2)});
  CHECK(sut.node_joined(node_id{1}, cores(1)) == actions{placed(2, 1)});
  CHECK(sut.attempt_ended({1, 1}).empty());
  CHECK(sut.active() == 1);
  sut.check_invariants();
}

TEST_CASE("a node's refusal wins over the book until the node is heard of", "[core][scheduler]") {
  scheduler sut({});
  sut.node_joined(node_id{1}, cores(2));
  sut.submit({task(1), task(2), task(3)});
  CHECK(sut.refused({1, 2}, cores(0)).empty());
  CHECK(sut.waiting() == 2);
  CHECK(sut.refused({1, 2}, cores(0)).empty());
  sut.check_invariants();
  SECTION("a report frees what it says") {
    CHECK(sut.node_reported(node_id{1}, cores(0)).empty());
    CHECK(sut.node_reported(node_id{1}, cores(1)) == actions{placed(2, 1)});
  }
  SECTION("the end of an attempt makes the book count again") {
    CHECK(sut.attempt_ended({1, 1}) == actions{placed(2, 1), placed(3, 1)});
  }
  SECTION("another node takes the task first") {
    CHECK(sut.node_joined(node_id{2}, cores(1)) == actions{placed(2, 2)});
  }
  sut.check_invariants();
}

TEST_CASE("refused attempts wait in the order in which they were ready", "[core][scheduler]") {
  scheduler sut({});
  sut.node_joined(node_id{1}, cores(3));
  sut.submit({task(1), task(2), task(3), task(4)});
  sut.refused({1, 2}, cores(0));
  sut.refused({1, 3}, cores(0));
  sut.refused({1, 1}, cores(0));
  sut.check_invariants();
  CHECK(sut.node_reported(node_id{1}, cores(3))
        == actions{placed(1, 1), placed(2, 1), placed(3, 1)});
  sut.check_invariants();
}

TEST_CASE("a report older than the book never frees what the book gave away", "[core][scheduler]") {
  scheduler sut({});
  sut.node_joined(node_id{1}, cores(1));
  sut.submit({task(1), task(2)});
  CHECK(sut.node_reported(node_id{1}, cores(1)).empty());
  CHECK(sut.node_reported(node_id{5}, cores(1)).empty());
  sut.check_invariants();
}
