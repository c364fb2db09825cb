#include "maze/actors/run_queue.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include <memory>

using namespace maze::actors;

namespace {

struct queue_config : caf::actor_system_config {
  explicit queue_config(std::size_t threads) {
    load<run_queue_scheduler>();
    set("scheduler.max-threads", threads);
    // Every few messages an actor goes to the end of the queue.
    set("scheduler.max-throughput", std::size_t{3});
  }
};

/// Plays a ball back to whoever sent it, until it is worn out; then the referee gets it.
caf::behavior player(caf::event_based_actor* self) {
  return {[self](int left, const caf::actor& other, const caf::actor& referee) {
    if (left == 0)
      self->send(referee, left);
    else
      self->send(other, left - 1, caf::actor_cast<caf::actor>(self), referee);
  }};
}

} // namespace

TEST_CASE("every message arrives, however many threads share the queue", "[actors][run_queue]") {
  const auto threads = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{4});
  constexpr int balls = 50;
  queue_config config(threads);
  caf::actor_system system(config);
  caf::scoped_actor referee(system);
  for (int i = 0; i < balls; ++i)
    caf::anon_send(system.spawn(player), 2000, system.spawn(player),
                   caf::actor_cast<caf::actor>(referee));
  int back = 0;
  for (int i = 0; i < balls; ++i)
    referee->receive([&](int left) { back += left == 0 ? 1 : 0; });
  CHECK(back == balls);
}

TEST_CASE("what waits in the queue when the system ends is still done", "[actors][run_queue]") {
  const auto done = std::make_shared<int>(0);
  {
    queue_config config(1);
    caf::actor_system system(config);
    for (int i = 0; i < 100; ++i)
      caf::anon_send(system.spawn([done](caf::event_based_actor*) -> caf::behavior {
        return {[done](int) { ++*done; }};
      }),
                     1);
  }
  CHECK(*done == 100);
  CHECK(done.use_count() == 1);
}
