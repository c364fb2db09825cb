#include "sim/call_world.hpp"
#include "sim/seeds.hpp"

#include <catch2/catch.hpp>

TEST_CASE("no history of calls by the thousand breaks a rule", "[sim]") {
  maze::sim::call_world::tally all;
  const auto seeds = maze::sim::seeds(300);
  for (const auto seed : seeds) {
    INFO("seed = " << seed << " (replay: MAZE_SIM_SEED=" << seed << ")");
    maze::sim::call_world world(seed);
    CHECK_NOTHROW(world.live());
    const auto& one = world.happened();
    all.completed += one.completed;
    all.failed += one.failed;
    all.fallen += one.fallen;
    all.cancelled += one.cancelled;
    all.stopped += one.stopped;
    all.retried += one.retried;
    all.lanes_lost += one.lanes_lost;
    all.alone += one.alone;
    all.stale += one.stale;
    all.broken += one.broken;
    all.inlined += one.inlined;
    all.window_full += one.window_full;
    if (seed % 16 != 0)
      continue;
    maze::sim::call_world again(seed);
    CHECK_NOTHROW(again.live());
    CHECK(again.fingerprint() == world.fingerprint());
  }
  if (seeds.size() < 100)
    return;
  // Histories in which little happens would prove little.
  CHECK(all.completed > 5000);
  CHECK(all.failed > 500);
  CHECK(all.fallen > 1000);
  CHECK(all.cancelled > 500);
  CHECK(all.stopped > 200);
  CHECK(all.retried > 200);
  CHECK(all.lanes_lost > 500);
  CHECK(all.alone > 20);
  CHECK(all.stale > 100);
  CHECK(all.broken > 50);
  CHECK(all.inlined > 500);
  CHECK(all.window_full > 200);
}
