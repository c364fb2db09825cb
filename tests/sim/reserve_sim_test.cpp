#include "sim/reserve_world.hpp"
#include "sim/seeds.hpp"

#include <catch2/catch.hpp>

TEST_CASE("no history of lanes that are kept ready breaks a rule", "[sim]") {
  maze::sim::reserve_world::tally all;
  const auto seeds = maze::sim::seeds(1000);
  for (const auto seed : seeds) {
    INFO("seed = " << seed << " (replay: MAZE_SIM_SEED=" << seed << ")");
    maze::sim::reserve_world world(seed);
    CHECK_NOTHROW(world.live());
    const auto& one = world.happened();
    all.kept += one.kept;
    all.in_vain += one.in_vain;
    all.given_back += one.given_back;
    all.deadly += one.deadly;
    all.absent += one.absent;
  }
  if (seeds.size() < 100)
    return;
  // Histories in which little happens would prove little.
  CHECK(all.kept > 5000);
  CHECK(all.in_vain > 1000);
  CHECK(all.given_back > 1000);
  CHECK(all.deadly > 200);
  CHECK(all.absent > 500);
}
