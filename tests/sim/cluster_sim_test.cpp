#include "sim/cluster_world.hpp"
#include "sim/seeds.hpp"

#include <catch2/catch.hpp>

TEST_CASE("no history of a cluster breaks a rule", "[sim]") {
  maze::sim::cluster_world::tally all;
  const auto seeds = maze::sim::seeds(300);
  for (const auto seed : seeds) {
    INFO("seed = " << seed << " (replay: MAZE_SIM_SEED=" << seed << ")");
    maze::sim::cluster_world world(seed);
    CHECK_NOTHROW(world.live());
    const auto& one = world.happened();
    all.published += one.published;
    all.late_publications += one.late_publications;
    all.expelled += one.expelled;
    all.resumed += one.resumed;
    all.replaced += one.replaced;
    all.left += one.left;
    all.resent += one.resent;
  }
  if (seeds.size() < 100)
    return;
  // Histories in which little happens would prove little.
  CHECK(all.published > 1000);
  CHECK(all.late_publications > 10);
  CHECK(all.expelled > 50);
  CHECK(all.resumed > 50);
  CHECK(all.replaced > 5);
  CHECK(all.left > 10);
  CHECK(all.resent > 1000);
}
