#include "sim/scheduler_reference.hpp"
#include "sim/seeds.hpp"

#include <catch2/catch.hpp>

TEST_CASE("the scheduler decides as its plainest form does", "[sim]") {
  for (const auto seed : maze::sim::seeds(300)) {
    INFO("seed = " << seed << " (replay: MAZE_SIM_SEED=" << seed << ")");
    CHECK_NOTHROW(maze::sim::compare_with_reference(seed));
  }
}
