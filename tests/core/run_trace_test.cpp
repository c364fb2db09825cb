#include "maze/core/run_trace.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;

TEST_CASE("each attempt is found where it was", "[core][run_trace]") {
  run_trace sut(2);
  const task_id task{1};
  CHECK_FALSE(sut.node_of(task, 1));
  sut.placed(task, 1, node_id{7}, 1s);
  sut.began(task, 2s);
  sut.began(task, 3s);
  CHECK(sut.node_of(task, 1) == node_id{7});
  CHECK(sut.last(task).began == 2s);
  sut.ended(task, 4s);
  sut.ended(task, 5s);
  CHECK(sut.last(task).ended == 4s);
  sut.placed(task, 2, node_id{8}, 6s);
  CHECK(sut.last(task).ended == 0s);
  CHECK(sut.node_of(task, 1) == node_id{7});
  CHECK(sut.node_of(task, 2) == node_id{8});
  CHECK_FALSE(sut.node_of(task, 3));
  CHECK_FALSE(sut.node_of(task_id{0}, 1));
}

TEST_CASE("the phases of a task are those of its last attempt", "[core][run_trace]") {
  run_trace sut(2);
  const task_id task{1};
  CHECK(sut.phases(task) == phase_times{});
  phase_times phases;
  phases.at(phase::execute) = {1s, 2s};
  sut.placed(task, 1, node_id{7}, 1s);
  sut.told(task, phases);
  CHECK(sut.phases(task) == phases);
  CHECK(sut.phases(task_id{0}) == phase_times{});
  sut.placed(task, 2, node_id{7}, 4s);
  CHECK(sut.phases(task) == phase_times{});
}

TEST_CASE("what was never placed has no end", "[core][run_trace]") {
  run_trace sut(1);
  sut.ended(task_id{0}, 1s);
  CHECK(sut.last(task_id{0}).ended == 0s);
}
