#pragma once

#include "maze/actors/call_hub.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "support/actor_fixture.hpp"
#include "support/fake_actors.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace maze::test {

/// What a client of a hub has heard.
struct client_book {
  core::call_number taken = 0;
  std::vector<std::string> results;
  std::vector<core::error> refused;
  std::optional<actors::calls_over> over;
};
/// What a lane host has been told.
struct lane_book {
  std::vector<actors::run_calls> calls;
  std::vector<actors::stop_call> stopped;
  std::vector<core::attempt_id> ended;
};

/// What a fake lane host does. An empty message of calls only says that there is a hub.
inline caf::behavior behavior_of(std::shared_ptr<lane_book> book) {
  return {[book](const actors::run_calls& msg) {
            if (!msg.bytes.empty())
              book->calls.push_back(msg);
          },
          [book](const actors::stop_call& msg) { book->stopped.push_back(msg); },
          [book](const actors::end_lane& msg) { book->ended.push_back(msg.lane); }};
}

/// A hub among fake neighbours, on CAF's test scheduler.
class hub_fixture : public actor_fixture {
public:
  recording_scheduler scheduler = spawn_scheduler(*this);
  memory_journal journal = spawn_journal(*this);
  recording_context context = spawn_context(*this);
  std::shared_ptr<client_book> client = std::make_shared<client_book>();
  std::shared_ptr<lane_book> lanes = std::make_shared<lane_book>();
  caf::actor lane_host = system.spawn(
      [book = lanes](caf::event_based_actor*) -> caf::behavior { return behavior_of(book); });
  caf::actor listener = system.spawn([book = client](caf::event_based_actor*) -> caf::behavior {
    return {[book](actors::calls_taken msg) { book->taken = msg.next; },
            [book](const actors::call_results& msg) {
              book->taken = std::max(book->taken, msg.next);
              book->results.push_back(msg.bytes);
            },
            [book](const actors::calls_refused& msg) { book->refused.push_back(msg.reason); },
            [book](actors::calls_over msg) { book->over = msg; }};
  });
  caf::actor hub;

  void spawn_hub(core::call_plan plan = {}, std::uint32_t failures_max = 2) {
    plan.functions = {{"f", core::function_action{"lib", "f"}}};
    actors::call_hub_setup setup{.run = core::run_id{7},
                                 .plan = std::make_shared<const core::call_plan>(std::move(plan)),
                                 .first_lane = {1, 100},
                                 .scheduler = scheduler.actor,
                                 .journal = journal.actor,
                                 .context = context.actor,
                                 .failures_max = failures_max,
                                 .reserve = {.losses_max = failures_max}};
    hub = system.spawn([setup](caf::stateful_actor<actors::call_hub_state>* self) {
      return self->state.make_behavior(setup);
    });
    tell(actors::attach_client{caf::actor_cast<actors::call_client_actor>(listener)});
  }
  template <class Message>
  void tell(Message message) {
    caf::anon_send(hub, std::move(message));
    run();
  }
  void hand_in(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
      writer.add(0, core::encode(core::list{}).value());
    tell(actors::submit_calls{writer.finish()});
  }
  /// The lane that was asked for last is there.
  core::attempt_id open_lane() {
    const core::attempt_id token = scheduler->offers.back().task.attempt;
    tell(
        actors::lane_ready{core::run_id{7}, token, caf::actor_cast<actors::lane_actor>(lane_host)});
    return token;
  }
  void answer(core::attempt_id lane, const std::vector<std::uint64_t>& calls) {
    core::call_message_writer out;
    for (const std::uint64_t call : calls)
      out.add(call, 0, core::encode(core::value(1)).value());
    actors::lane_replies message{lane, {}};
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

} // namespace maze::test
