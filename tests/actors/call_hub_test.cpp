#include "maze/actors/call_hub.hpp"

#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "support/actor_fixture.hpp"
#include "support/fake_actors.hpp"

#include <caf/event_based_actor.hpp>

using namespace maze;
using namespace maze::actors;

namespace {

struct client_book {
  core::call_number taken = 0;
  std::vector<std::string> results;
  std::vector<core::error> refused;
  std::optional<calls_over> over;
};
struct lane_book {
  std::vector<run_calls> calls;
  std::vector<stop_call> stopped;
  std::vector<core::attempt_id> ended;
};

/// What a fake lane host does. An empty message of calls only says that there is a hub.
caf::behavior behavior_of(std::shared_ptr<lane_book> book) {
  return {[book](const run_calls& msg) {
            if (!msg.bytes.empty())
              book->calls.push_back(msg);
          },
          [book](const stop_call& msg) { book->stopped.push_back(msg); },
          [book](const end_lane& msg) { book->ended.push_back(msg.lane); }};
}

/// A hub among fake neighbours, on CAF's test scheduler.
class hub_fixture : public test::actor_fixture {
public:
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::memory_journal journal = test::spawn_journal(*this);
  test::recording_context context = test::spawn_context(*this);
  std::shared_ptr<client_book> client = std::make_shared<client_book>();
  std::shared_ptr<lane_book> lanes = std::make_shared<lane_book>();
  caf::actor lane_host = system.spawn(
      [book = lanes](caf::event_based_actor*) -> caf::behavior { return behavior_of(book); });
  caf::actor listener = system.spawn([book = client](caf::event_based_actor*) -> caf::behavior {
    return {[book](calls_taken msg) { book->taken = msg.next; },
            [book](const call_results& msg) { book->results.push_back(msg.bytes); },
            [book](const calls_refused& msg) { book->refused.push_back(msg.reason); },
            [book](calls_over msg) { book->over = msg; }};
  });
  caf::actor hub;

  void spawn_hub(core::call_plan plan = {}, std::uint32_t failures_max = 2) {
    plan.functions = {{"f", core::function_action{"lib", "f"}}};
    call_hub_setup setup{.run = core::run_id{7},
                         .plan = std::make_shared<const core::call_plan>(std::move(plan)),
                         .first_lane = {1, 100},
                         .scheduler = scheduler.actor,
                         .journal = journal.actor,
                         .context = context.actor,
                         .failures_max = failures_max};
    hub = system.spawn([setup](caf::stateful_actor<call_hub_state>* self) {
      return self->state.make_behavior(setup);
    });
    tell(attach_client{caf::actor_cast<call_client_actor>(listener)});
  }
  template <class Message>
  void tell(Message message) {
    caf::anon_send(hub, std::move(message));
    run();
  }
  void hand_in(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
      writer.add(0, core::encode(core::list{}).value());
    tell(submit_calls{writer.finish()});
  }
  /// The lane that was asked for last is there.
  core::attempt_id open_lane() {
    const core::attempt_id token = scheduler->offers.back().task.attempt;
    tell(lane_ready{core::run_id{7}, token, caf::actor_cast<lane_actor>(lane_host)});
    return token;
  }
  void answer(core::attempt_id lane, const std::vector<std::uint64_t>& calls) {
    core::call_message_writer out;
    for (const std::uint64_t call : calls)
      out.add(call, 0, core::encode(core::value(1)).value());
    lane_replies message{lane, {}};
    out.finish(core::call_kind::replies, message.bytes);
    tell(std::move(message));
  }
  ~hub_fixture() {
    for (const auto& actor : {hub, lane_host, listener})
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    run();
  }

private:
  core::call_batch_writer writer;
};

} // namespace

TEST_CASE_METHOD(hub_fixture, "a client hears of calls and results once the journal has them",
                 "[actors][call_hub]") {
  spawn_hub();
  hand_in(2);
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
      [book = lanes](caf::event_based_actor*) -> caf::behavior { return behavior_of(book); });
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

TEST_CASE_METHOD(hub_fixture, "a frame that is none is refused, and the next one is taken",
                 "[actors][call_hub]") {
  spawn_hub();
  tell(submit_calls{"no frame"});
  REQUIRE(client->refused.size() == 1);
  CHECK(client->refused.front().code == core::errc::malformed);
  hand_in(1);
  test::acknowledge(*this, journal);
  CHECK(client->taken == 1);
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
  tell(results_read{given[0].size() + 1});
  tell(attach_client{caf::actor_cast<call_client_actor>(listener)});
  CHECK(client->results == std::vector{given[0], given[1], given[1]});
  // The byte that the first client had used of it counts no more.
  tell(results_read{given[1].size()});
  CHECK(client->refused.empty());
  answer(lane, {2});
  tell(close_calls{});
  tell(attach_client{caf::actor_cast<call_client_actor>(listener)});
  CHECK(client->results.size() == 5);
  REQUIRE(client->over);
  tell(results_read{1'000'000});
  REQUIRE(client->refused.size() == 1);
  CHECK(client->refused.front().message.find("more results than it was given")
        != std::string::npos);
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
  CHECK(scheduler->offers.size() == 2);
  // Each tick asks for the next one.
  for (int i = 0; i < 100; ++i)
    advance(std::chrono::seconds(1));
  CHECK(lanes->ended.empty());
  // One that its node takes back is asked for again, but no child that dies again and again.
  tell(lane_over{first, {}});
  REQUIRE(scheduler->offers.size() == 3);
  for (int i = 0; i < 10 && scheduler->offers.size() < 10; ++i)
    tell(lane_over{open_lane(), {.code = core::errc::worker_crash, .message = "gone"}});
  CHECK(scheduler->offers.size() == 4);
  tell(close_calls{});
  CHECK(client->over);
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
