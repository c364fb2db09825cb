#include "maze/actors/call_hub.hpp"

#include "support/hub_fixture.hpp"

using namespace maze;
using namespace maze::actors;
using test::hub_fixture;

TEST_CASE_METHOD(hub_fixture, "one lane is asked for at a time, and withdrawn when nothing is left",
                 "[actors][call_hub]") {
  spawn_hub();
  hand_in(2000);
  CHECK(scheduler->offers.size() == 1);
  const auto lane = open_lane();
  CHECK(scheduler->offers.size() == 2);
  CHECK(scheduler->offers.back().order.task == core::lane_task);
  tell(cancel_run{{.code = core::errc::cancelled, .message = "enough"}});
  CHECK(scheduler->stops.size() == 1);
  CHECK(lanes->ended == std::vector<core::attempt_id>{lane});
}

TEST_CASE_METHOD(hub_fixture, "a lane that nobody asked for is sent away", "[actors][call_hub]") {
  spawn_hub();
  tell(lane_ready{core::run_id{7}, {1, 999}, caf::actor_cast<lane_actor>(lane_host)});
  CHECK(lanes->ended == std::vector<core::attempt_id>{{1, 999}});
}

TEST_CASE_METHOD(hub_fixture, "calls of a lane whose node is gone go to the next one",
                 "[actors][call_hub]") {
  spawn_hub();
  hand_in(1);
  open_lane();
  REQUIRE(lanes->calls.size() == 1);
  caf::anon_send_exit(lane_host, caf::exit_reason::kill);
  run();
  lane_host = system.spawn(
      [book = lanes](caf::event_based_actor*) -> caf::behavior { return test::behavior_of(book); });
  const auto lane = open_lane();
  REQUIRE(lanes->calls.size() == 2);
  answer(lane, {0});
  test::acknowledge(*this, journal);
  CHECK(client->results.size() == 1);
}

TEST_CASE_METHOD(hub_fixture, "answers to what was not asked end their lane",
                 "[actors][call_hub]") {
  spawn_hub();
  hand_in(1);
  const auto lane = open_lane();
  answer(lane, {5});
  CHECK(lanes->ended == std::vector<core::attempt_id>{lane});
  answer(lane, {0});
  test::acknowledge(*this, journal);
  CHECK(client->results.empty());
  // The call is still to be done.
  CHECK(scheduler->offers.size() == 2);
}

TEST_CASE_METHOD(hub_fixture, "lanes that never get ready end the calls with the reason",
                 "[actors][call_hub]") {
  spawn_hub();
  hand_in(1);
  const core::error reason{.code = core::errc::worker_crash, .message = "no child"};
  for (int i = 0; i < 2; ++i)
    tell(attempt_lost{scheduler->offers.back().task.attempt, reason, {}});
  test::acknowledge(*this, journal);
  REQUIRE(client->results.size() == 1);
  CHECK(client->results.front().find("no child") != std::string::npos);
}

TEST_CASE_METHOD(hub_fixture, "a call that nobody wants is stopped where it is",
                 "[actors][call_hub]") {
  spawn_hub({.durable = false});
  hand_in(2000);
  const auto lane = open_lane();
  tell(cancel_calls{{1999, 0, 77'777}});
  REQUIRE(lanes->stopped.size() == 1);
  CHECK(lanes->stopped[0].lane == lane);
  CHECK(lanes->stopped[0].call == 0);
  REQUIRE(client->results.size() == 1);
  CHECK(client->results[0].find("the call was cancelled") != std::string::npos);
}

TEST_CASE_METHOD(hub_fixture, "lanes are kept ready before the first call and while none comes",
                 "[actors][call_hub]") {
  spawn_hub({.lanes_min = 2, .durable = false});
  REQUIRE(scheduler->offers.size() == 1);
  const auto first = open_lane();
  REQUIRE(scheduler->offers.size() == 2);
  open_lane();
  // Each tick asks for the next one.
  for (int i = 0; i < 100; ++i)
    advance(std::chrono::seconds(1));
  CHECK(scheduler->offers.size() == 2);
  CHECK(lanes->ended.empty());
  // Whoever wanted the slot of one that its node takes back has it for a while.
  tell(lane_over{first, {}});
  CHECK(scheduler->offers.size() == 2);
  advance(std::chrono::seconds(6));
  CHECK(scheduler->offers.size() == 3);
  tell(close_calls{});
  CHECK(client->over);
}

TEST_CASE_METHOD(hub_fixture, "a child that dies again and again is not kept ready",
                 "[actors][call_hub]") {
  spawn_hub({.lanes_min = 1, .durable = false});
  for (int i = 0; i < 10 && scheduler->offers.size() < 10; ++i)
    tell(lane_over{open_lane(), {.code = core::errc::worker_crash, .message = "gone"}});
  CHECK(scheduler->offers.size() == 2);
  // Calls have lanes all the same, and one that answers begins anew.
  hand_in(1);
  REQUIRE(scheduler->offers.size() == 3);
  answer(open_lane(), {0});
  CHECK(client->results.size() == 1);
}

TEST_CASE_METHOD(hub_fixture, "a lane that is to be kept ready stands in nobody's way for long",
                 "[actors][call_hub]") {
  spawn_hub({.lanes_min = 1, .durable = false});
  REQUIRE(scheduler->offers.size() == 1);
  advance(std::chrono::seconds(1));
  CHECK(scheduler->stops.empty());
  for (int i = 0; i < 3; ++i)
    advance(std::chrono::seconds(1));
  CHECK(scheduler->stops.size() == 1);
  for (int i = 0; i < 4; ++i)
    advance(std::chrono::seconds(1));
  CHECK(scheduler->offers.size() == 2);
  // One that calls wait for waits for its slot as long as it takes.
  hand_in(1);
  for (int i = 0; i < 20; ++i)
    advance(std::chrono::seconds(1));
  CHECK(scheduler->stops.size() == 1);
  CHECK(scheduler->offers.size() == 2);
}

TEST_CASE_METHOD(hub_fixture, "lanes are kept ready for no client that is gone",
                 "[actors][call_hub]") {
  spawn_hub({.lanes_min = 1, .durable = false});
  const auto lane = open_lane();
  caf::anon_send_exit(listener, caf::exit_reason::kill);
  for (int i = 0; i < 20; ++i)
    advance(std::chrono::seconds(1));
  CHECK(std::count(lanes->ended.begin(), lanes->ended.end(), lane) > 0);
  CHECK(scheduler->offers.size() == 1);
}

TEST_CASE_METHOD(hub_fixture, "a hub ends with its run", "[actors][call_hub]") {
  spawn_hub();
  caf::anon_send_exit(context.actor, caf::exit_reason::user_shutdown);
  run();
  bool down = false;
  system.spawn([&down, hub = hub](caf::event_based_actor* self) -> caf::behavior {
    self->set_down_handler([&down](const caf::down_msg&) { down = true; });
    self->monitor(hub);
    return {[](int) {}};
  });
  run();
  CHECK(down);
}
