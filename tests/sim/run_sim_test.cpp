#include "sim/seeds.hpp"
#include "sim/world.hpp"

#include <catch2/catch.hpp>

TEST_CASE("no history of runs, scheduler and nodes breaks a rule", "[sim]") {
  for (const auto seed : maze::sim::seeds(300)) {
    INFO("seed = " << seed << " (replay: MAZE_SIM_SEED=" << seed << ")");
    CHECK_NOTHROW(maze::sim::world(seed).live());
  }
}
