#include "maze/actors/type_ids.hpp"

#include "maze/actors/protocol/call_hub_actor.hpp"
#include "maze/actors/protocol/session_actor.hpp"
#include "support/builders.hpp"
#include "support/fake_actors.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <vector>

using namespace maze;
using namespace maze::actors;

namespace {

const core::run_id wire_run{0x1122334455};
const core::error reason{.code = core::errc::exit_nonzero,
                         .message = "it broke",
                         .origin = "execute",
                         .exit_code = 3,
                         .signal = 9,
                         .evidence = "last line"};

core::manifest_delta some_files() {
  core::manifest_delta out;
  out.written["a/b.txt"] = {.hash = {1, 2}, .size = 3, .mode = 0755};
  out.written["link"] = {.kind = core::file_kind::symlink, .target = "a/b.txt"};
  out.removed = {"gone.txt", std::string("bad\xffname")};
  return out;
}

struct wire_fixture : test::actor_fixture {
  test::recording_context context = test::spawn_context(*this);
  test::recording_node_agent agent = test::spawn_node_agent(*this);

  std::vector<char> bytes_of(const caf::message& what) {
    std::vector<char> out;
    caf::binary_serializer sink{system, out};
    REQUIRE_FALSE(sink(const_cast<caf::message&>(what)));
    return out;
  }

  /// Sends `what` through the form that it has between nodes and gives back what arrives: the same
  /// type, from all bytes, and the same bytes when it travels on.
  template <class T>
  T travel(const T& what) {
    const std::vector<char> sent = bytes_of(caf::make_message(what));
    caf::message arrived;
    caf::binary_deserializer source{system, sent};
    REQUIRE_FALSE(source(arrived));
    CHECK(source.remaining() == 0);
    REQUIRE(arrived.match_elements<T>());
    CHECK(bytes_of(arrived) == sent);
    return arrived.get_as<T>(0);
  }

  attempt_order order() {
    return {{.run = wire_run,
             .task = core::task_id{4},
             .attempt = {2, 99},
             .number = 3,
             .needs = {.cpu_millis = 1500, .memory = {1 << 20}, .gpus = 2},
             .files = some_files(),
             .outputs = {{"top", test::output_of("x")}, {"left", std::string("\0\xff", 2)}}},
            context.actor};
  }
  void check(const attempt_order& seen) {
    const attempt_order sent = order();
    CHECK(seen.run == sent.run);
    CHECK(seen.task == sent.task);
    CHECK(seen.attempt == sent.attempt);
    CHECK(seen.number == sent.number);
    CHECK(seen.needs == sent.needs);
    CHECK(seen.files == sent.files);
    CHECK(seen.outputs == sent.outputs);
    CHECK(seen.context == sent.context);
  }
};

} // namespace

TEST_CASE_METHOD(wire_fixture, "orders and what nodes say about them travel whole",
                 "[actors][type_ids]") {
  const auto orders = travel(run_attempts{{order(), order()}});
  REQUIRE(orders.orders.size() == 2);
  check(orders.orders[1]);
  CHECK(travel(stop_attempts{{{1, 2}, {3, 4}}}).attempts
        == std::vector<core::attempt_id>{{1, 2}, {3, 4}});
  const auto free = travel(slot_free{core::slot_id{5}, {6, 7}});
  CHECK(free.slot == core::slot_id{5});
  CHECK(free.attempt == core::attempt_id{6, 7});
  const auto refused = travel(attempt_refused{order(), {.cpu_millis = 7}, true});
  check(refused.order);
  CHECK(refused.free.cpu_millis == 7);
  CHECK(refused.draining);
  CHECK(travel(attempts_ended{{{8, 9}}}).attempts == std::vector<core::attempt_id>{{8, 9}});
  CHECK(travel(close_run{wire_run}).run == wire_run);
  travel(drain_node{});
}

TEST_CASE_METHOD(wire_fixture, "offers travel with their task and their order",
                 "[actors][type_ids]") {
  const core::ready_task task{.run = wire_run,
                              .task = core::task_id{4},
                              .attempt = {2, 99},
                              .needs = {.cpu_millis = 1500},
                              .priority = -20,
                              .local_bytes = {{core::node_id{1}, 1000}, {core::node_id{2}, 1}}};
  const auto seen = travel(offer_tasks{{{task, order()}}});
  REQUIRE(seen.tasks.size() == 1);
  CHECK(seen.tasks[0].task == task);
  check(seen.tasks[0].order);
}

TEST_CASE_METHOD(wire_fixture, "what a DAGContext hears travels whole", "[actors][type_ids]") {
  const auto assigned = travel(attempts_assigned{core::node_id{3}, {{1, 2}}});
  CHECK(assigned.node == core::node_id{3});
  CHECK(assigned.attempts == std::vector<core::attempt_id>{{1, 2}});
  const auto entered = travel(attempt_entered{{1, 2}, core::phase::push});
  CHECK(entered.attempt == core::attempt_id{1, 2});
  CHECK(entered.at == core::phase::push);
  const auto published = travel(publish_attempt{{1, 2}, test::output_of("x"), some_files()});
  CHECK(published.attempt == core::attempt_id{1, 2});
  CHECK(published.output == test::output_of("x"));
  CHECK(published.files == some_files());
  const auto lost = travel(attempt_lost{{1, 2}, reason});
  CHECK(lost.attempt == core::attempt_id{1, 2});
  CHECK(lost.reason == reason);
  CHECK(travel(node_gone{core::node_id{3}}).node == core::node_id{3});
  CHECK(travel(cancel_run{reason}).reason == reason);
  CHECK(travel(facts_durable{1ULL << 40}).ticket == 1ULL << 40);
  travel(start_run{});
}

TEST_CASE_METHOD(wire_fixture, "what a DAGContext tells travels whole", "[actors][type_ids]") {
  const task_outcome outcome{"top", core::task_state::timeout, 4, reason};
  const auto same = [&](const std::vector<task_outcome>& seen) {
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].task == "top");
    CHECK(seen[0].state == core::task_state::timeout);
    CHECK(seen[0].attempts == 4);
    CHECK(seen[0].reason == reason);
  };
  CHECK(travel(ask_status{17}).running_max == 17);
  travel(ask_report{});
  run_status status{.state = core::run_state::cancelling};
  status.counts[8] = 5;
  status.running = {{"a", core::phase::resolve, std::chrono::milliseconds(1234)}};
  const auto seen = travel(status);
  CHECK(seen.state == status.state);
  CHECK(seen.counts == status.counts);
  REQUIRE(seen.running.size() == 1);
  CHECK(seen.running[0].name == "a");
  CHECK(seen.running[0].at == core::phase::resolve);
  CHECK(seen.running[0].elapsed == std::chrono::milliseconds(1234));

  const run_report report{.state = core::run_state::failed,
                          .counts = status.counts,
                          .not_completed = {outcome},
                          .published = some_files().written,
                          .conflict = reason,
                          .result = test::output_of("r"),
                          .stale_refused = 6};
  const auto told = travel(report);
  CHECK(told.state == report.state);
  CHECK(told.counts == report.counts);
  same(told.not_completed);
  CHECK(told.published == report.published);
  CHECK(told.conflict == reason);
  CHECK(told.result == report.result);
  CHECK(told.stale_refused == 6);

  const auto event = travel(run_event{wire_run, {outcome}, true, core::run_state::failed});
  CHECK(event.run == wire_run);
  same(event.not_completed);
  CHECK(event.ended);
  CHECK(event.state == core::run_state::failed);
}

TEST_CASE_METHOD(wire_fixture, "what passes between master, scheduler and registry travels whole",
                 "[actors][type_ids]") {
  const core::resources total{.cpu_millis = 8000, .memory = {1ULL << 34}, .gpus = 1};
  const auto joined = travel(join_cluster{{"n1", total, {{"site", "left"}}, 7}, agent.actor});
  CHECK(joined.who.name == "n1");
  CHECK(joined.who.total == total);
  CHECK(joined.who.labels.at("site") == "left");
  CHECK(joined.who.incarnation == 7);
  CHECK(joined.agent == agent.actor);
  const auto planned = travel(join_scheduler{core::node_id{3}, total, agent.actor});
  CHECK(planned.node == core::node_id{3});
  CHECK(planned.total == total);
  CHECK(planned.agent == agent.actor);
  const auto handle = travel(run_handle{wire_run, context.actor});
  CHECK(handle.run == wire_run);
  CHECK(handle.context == context.actor);
  const auto ended = travel(run_ended{wire_run, core::run_state::cancelled});
  CHECK(ended.run == wire_run);
  CHECK(ended.state == core::run_state::cancelled);
  CHECK(travel(find_run{wire_run}).run == wire_run);
  CHECK(travel(forget_run{wire_run}).run == wire_run);
  CHECK(travel(core::node_id{3}) == core::node_id{3});
}

TEST_CASE_METHOD(wire_fixture, "what a hub of calls and lanes say to each other travels whole",
                 "[actors][type_ids]") {
  const core::attempt_id lane{2, 99};
  const std::string bytes("\0\xff any bytes", 12);
  const auto calls = travel(run_calls{lane, bytes});
  CHECK(calls.lane == lane);
  CHECK(calls.bytes == bytes);
  CHECK(travel(end_lane{lane}).lane == lane);
  const auto host = caf::actor_cast<lane_actor>(agent.actor);
  const auto ready = travel(lane_ready{wire_run, lane, host});
  CHECK(ready.run == wire_run);
  CHECK(ready.lane == lane);
  CHECK(ready.host == host);
  const auto replies = travel(lane_replies{lane, bytes});
  CHECK(replies.lane == lane);
  CHECK(replies.bytes == bytes);
  CHECK(travel(lane_yields{lane}).lane == lane);
  const auto over = travel(lane_over{lane, reason, true, 1U << 31});
  CHECK(over.lane == lane);
  CHECK(over.reason == reason);
  CHECK(over.has_culprit);
  CHECK(over.culprit == 1U << 31);
}

TEST_CASE_METHOD(wire_fixture, "what a client and the hub of its calls say travels whole",
                 "[actors][type_ids]") {
  const std::string bytes("\0\xff any bytes", 12);
  const auto hub = caf::actor_cast<call_service_actor>(context.actor);
  const auto client = caf::actor_cast<call_client_actor>(context.actor);
  const auto service = travel(call_service{hub, {0b0110}});
  CHECK(service.hub == hub);
  CHECK(service.needed.bits == 0b0110);
  const core::session_ticket ticket{{.high = 1ULL << 40, .low = 3}};
  CHECK(travel(enter_calls{wire_run, ticket}).run == wire_run);
  CHECK(travel(enter_calls{wire_run, ticket}).ticket == ticket);
  CHECK(travel(attach_client{client}).client == client);
  CHECK(travel(calls_opened{7, 2}).next == 7);
  CHECK(travel(cancel_calls{{1, 7}}).calls == std::vector<std::uint32_t>{1, 7});
  CHECK(travel(stop_call{{1, 2}, 9}).call == 9);
  CHECK(travel(submit_calls{bytes}).frame == bytes);
  CHECK(travel(calls_taken{1U << 31}).next == 1U << 31);
  CHECK(travel(call_results{bytes, 3}).bytes == bytes);
  CHECK(travel(calls_refused{reason}).reason == reason);
  CHECK(travel(results_read{1ULL << 40, 7}).client == 7);
  travel(close_calls{});
  travel(ask_calls{});
  CHECK(travel(call_progress{{1, 2, 3, 4, 1ULL << 40}}).counts
        == std::array<std::uint64_t, 5>{1, 2, 3, 4, 1ULL << 40});
  const auto over = travel(calls_over{1ULL << 40, 3});
  CHECK(over.completed == 1ULL << 40);
  CHECK(over.failed == 3);
}
