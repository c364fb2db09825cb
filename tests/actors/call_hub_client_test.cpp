#include "maze/actors/call_hub.hpp"
#include "support/hub_fixture.hpp"

using namespace maze;
using namespace maze::actors;
using test::hub_fixture;

TEST_CASE_METHOD(hub_fixture, "a client hears of calls and results once the journal has them",
                 "[actors][call_hub]") {
  spawn_hub();
  hand_in(2);
  advance(std::chrono::milliseconds(20));
  CHECK(client->taken == 0);
  test::acknowledge(*this, journal);
  CHECK(client->taken == 2);
  const auto lane = open_lane();
  REQUIRE(lanes->calls.size() == 1);
  answer(lane, {0, 1});
  CHECK(client->results.empty());
  test::acknowledge(*this, journal);
  REQUIRE(client->results.size() == 1);
  tell(close_calls{});
  REQUIRE(client->over);
  CHECK(client->over->completed == 2);
}

TEST_CASE_METHOD(hub_fixture, "a plan that is not durable waits for no journal",
                 "[actors][call_hub]") {
  spawn_hub({.durable = false});
  hand_in(1);
  CHECK(client->taken == 1);
  answer(open_lane(), {0});
  CHECK(client->results.size() == 1);
}

TEST_CASE_METHOD(hub_fixture, "a frame that is none is refused, and the next one is taken",
                 "[actors][call_hub]") {
  spawn_hub();
  tell(submit_calls{"no frame"});
  REQUIRE(client->refused.size() == 1);
  CHECK(client->refused.front().code == core::errc::malformed);
  hand_in(1);
  advance(std::chrono::milliseconds(20));
  test::acknowledge(*this, journal);
  CHECK(client->taken == 1);
}

TEST_CASE_METHOD(hub_fixture, "a call that returns at once is made durable together with its end",
                 "[actors][call_hub]") {
  spawn_hub();
  hand_in(1);
  const auto lane = open_lane();
  CHECK(journal->facts.empty());
  answer(lane, {0});
  CHECK(journal->facts.size() == 2);
  CHECK(client->taken == 0);
  test::acknowledge(*this, journal);
  CHECK(client->taken == 1);
  CHECK(client->results.size() == 1);
  // Of two frames in a row none waits.
  hand_in(1);
  CHECK(journal->facts.size() == 2);
  hand_in(1);
  CHECK(journal->facts.size() == 4);
}

TEST_CASE_METHOD(hub_fixture, "a client that comes later gets what the one before did not use",
                 "[actors][call_hub]") {
  spawn_hub({.durable = false});
  hand_in(3);
  const auto lane = open_lane();
  answer(lane, {0});
  answer(lane, {1});
  REQUIRE(client->results.size() == 2);
  const auto given = client->results;
  tell(results_read{given[0].size() + 1, 1});
  tell(attach_client{caf::actor_cast<call_client_actor>(listener)});
  CHECK(client->results == std::vector{given[0], given[1], given[1]});
  // The byte that the first client had used of it counts no more.
  tell(results_read{given[1].size(), 2});
  CHECK(client->refused.empty());
  // Nor does what the first one says after its time.
  tell(results_read{1, 1});
  CHECK(client->refused.empty());
  answer(lane, {2});
  tell(close_calls{});
  tell(attach_client{caf::actor_cast<call_client_actor>(listener)});
  CHECK(client->results.size() == 5);
  REQUIRE(client->over);
  tell(results_read{1'000'000, 3});
  REQUIRE(client->refused.size() == 1);
  CHECK(client->refused.front().message.find("more results than it was given")
        != std::string::npos);
}
