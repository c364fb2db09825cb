#include "maze/core/call_run.hpp"

#include "support/call_pair.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::core;
using test::call_pair;
using numbers = std::vector<call_number>;

TEST_CASE("a call goes to a lane and its result to the client as it came", "[core][call_run]") {
  call_pair sut;
  CHECK(sut.open(1).want_lane == std::nullopt);
  sut.call("arguments");
  const auto accepted = sut.run.submitted(sut.client.finish());
  REQUIRE(accepted);
  CHECK(accepted->first == 0);
  CHECK(accepted->count == 1);
  REQUIRE(accepted->step.send.size() == 1);
  CHECK(accepted->step.send[0]
        == lane_message{lane_id{1}, call_message(call_kind::calls, 0, 1, "arguments")});
  const auto reply = call_message(call_kind::replies, 0, 0, "result");
  const auto step = sut.run.replied(lane_id{1}, reply);
  REQUIRE(step);
  CHECK(step->results == std::vector{reply});
  CHECK(sut.run.counts() == call_counts{0, 0, 0, 1, 0});
  CHECK(sut.run.close().over);
  CHECK(sut.run.is_over());
}

TEST_CASE("a lane is asked for while ready calls find no room, one at a time", "[core][call_run]") {
  call_pair sut;
  for (int i = 0; i < 5; ++i)
    sut.call();
  CHECK(sut.submit().want_lane == true);
  sut.call();
  CHECK(sut.submit().want_lane == std::nullopt);
  // Two calls each as long as nobody knows how long they take.
  CHECK(sut.open(1).want_lane == true);
  CHECK(sut.open(2).want_lane == true);
  CHECK(sut.complete(1, {0, 1}).want_lane == false);
  CHECK_FALSE(sut.run.wants_lane());
  CHECK(sut.open(3).want_lane == std::nullopt);
}

TEST_CASE("many calls are split evenly among lanes", "[core][call_run]") {
  call_pair sut({.lanes = {.credit_min = 1024}});
  for (std::uint64_t lane = 1; lane <= 3; ++lane)
    sut.open(lane);
  for (int i = 0; i < 100; ++i)
    sut.call();
  CHECK(sut.submit().send.size() == 3);
  CHECK(sut.take(1).size() == 34);
  CHECK(sut.take(2).size() == 34);
  CHECK(sut.take(3).size() == 32);
}

TEST_CASE("few short calls go to the lane that works already", "[core][call_run]") {
  call_pair sut({.lanes = {.credit_min = 16}});
  sut.open(1);
  sut.open(2);
  sut.call();
  sut.submit();
  REQUIRE(sut.take(1) == numbers{0});
  sut.complete(1, {0});
  for (int i = 0; i < 10; ++i)
    sut.call();
  CHECK(sut.submit().send.size() == 1);
  // Now that it is busy the next ones go behind.
  const auto used = sut.sent[1].empty() ? 2U : 1U;
  sut.call();
  sut.submit();
  CHECK(sut.take(used).size() == 11);
}

TEST_CASE("messages to lanes are bounded in calls and bytes", "[core][call_run]") {
  call_pair sut({.message_calls_max = 3, .message_bytes_max = 1000, .lanes = {.credit_min = 100}});
  sut.open(1);
  for (int i = 0; i < 4; ++i)
    sut.call();
  for (int i = 0; i < 3; ++i)
    sut.call(std::string(600, 'x'));
  const auto step = sut.submit();
  REQUIRE(step.send.size() == 3);
  CHECK(call_message_view::of(step.send[0].bytes)->size() == 3);
  CHECK(call_message_view::of(step.send[1].bytes)->size() == 3);
  CHECK(call_message_view::of(step.send[2].bytes)->size() == 1);
}

TEST_CASE("a call waits for others and gets their results", "[core][call_run]") {
  call_pair sut({.lanes = {.credit_min = 8}});
  sut.open(1);
  const auto a = sut.call();
  const auto b = sut.call_with(a);
  const auto c = sut.call("x", {b});
  sut.submit();
  CHECK(sut.take(1) == numbers{a});
  sut.complete(1, {a}, "value of a");
  CHECK(sut.take(1) == numbers{b});
  CHECK(sut.given[b] == "value of a");
  sut.complete(1, {b});
  CHECK(sut.take(1) == numbers{c});
}

TEST_CASE("frames are taken in order and once", "[core][call_run]") {
  call_pair sut({.pending_max = 3});
  sut.call();
  const auto first = sut.client.finish();
  sut.call();
  const auto second = sut.client.finish();
  CHECK(sut.run.submitted(second).error().code == errc::invalid_argument);
  CHECK(sut.run.submitted(first));
  CHECK(sut.run.submitted(first).error().code == errc::already_exists);
  CHECK(sut.run.submitted("no frame at all").error().code == errc::malformed);
  CHECK(sut.run.submitted(second));
  sut.call();
  sut.call();
  CHECK(sut.run.submitted(sut.client.finish()).error().code == errc::limit_exceeded);
  CHECK(sut.run.counts() == call_counts{0, 2, 0, 0, 0});
  sut.run.close();
  call_batch_writer late(2);
  late.add(1, "a");
  CHECK(sut.run.submitted(late.finish()).error().code == errc::invalid_argument);
}

TEST_CASE("nothing more is sent while a client does not read its results", "[core][call_run]") {
  call_pair sut({.results_window = 200});
  sut.open(1);
  for (int i = 0; i < 6; ++i)
    sut.call();
  sut.submit();
  CHECK(sut.take(1) == numbers{0, 1});
  const auto full = sut.complete(1, {0, 1}, std::string(100, 'r'));
  CHECK(full.send.empty());
  CHECK(full.want_lane == false);
  const auto bytes = full.results[0].size();
  CHECK(sut.run.unread_bytes() == bytes);
  CHECK(sut.run.results_read(bytes + 1).error().code == errc::invalid_argument);
  CHECK(sut.perform(sut.run.results_read(bytes - 200).value()).send.empty());
  CHECK(sut.perform(sut.run.results_read(1).value()).send.size() == 1);
  CHECK(sut.take(1) == numbers{2, 3, 4, 5});
  CHECK(sut.run.kept_bytes() > bytes);
  sut.run.results_read(199).value();
  sut.run.check_invariants();
}

TEST_CASE("a cancelled run ends what is not out, and tells lanes to let go", "[core][call_run]") {
  call_pair sut;
  sut.open(1);
  const auto a = sut.call();
  const auto b = sut.call();
  const auto ready = sut.call();
  const auto waits = sut.call_with(a);
  sut.submit();
  CHECK(sut.take(1) == numbers{a, b});
  const auto step = sut.perform(sut.run.cancel({.code = errc::cancelled, .message = "enough"}));
  CHECK(step.drop == std::vector{lane_id{1}});
  CHECK(sut.ends[ready].message == "enough");
  CHECK(sut.ends[waits].code == errc::cancelled);
  CHECK_FALSE(step.over);
  sut.call();
  CHECK(sut.run.submitted(sut.client.finish()).error().code == errc::cancelled);
  // What had begun may still end well; what had not comes back and is cancelled.
  sut.complete(1, {a});
  CHECK(sut.ends[a].code == errc::none);
  const auto last = sut.perform(sut.run.lane_closed(lane_id{1}));
  CHECK(sut.ends[b].code == errc::cancelled);
  CHECK(last.over);
}

TEST_CASE("a call that nobody wants ends where it is", "[core][call_run]") {
  call_pair sut;
  sut.open(1);
  const auto a = sut.call();
  const auto b = sut.call();
  const auto ready = sut.call();
  const auto next = sut.call();
  const auto waits = sut.call_with(ready);
  const auto free = sut.call_with(next);
  sut.submit();
  CHECK(sut.take(1) == numbers{a, b});
  const auto step = sut.perform(sut.run.cancel_calls(numbers{ready, b, b, 1000}));
  CHECK(sut.ends[ready].code == errc::cancelled);
  CHECK(sut.ends[waits].code == errc::upstream_failed);
  CHECK(step.stop == std::vector{lane_call{lane_id{1}, b}});
  CHECK(sut.ends.count(b) == 0);
  // Once is enough.
  CHECK(sut.perform(sut.run.cancel_calls(numbers{b, ready})).stop.empty());
  // Those behind it move up.
  sut.complete(1, {a});
  CHECK(sut.take(1) == numbers{next});
  CHECK(sut.run.counts() == call_counts{1, 0, 2, 1, 2});
  SECTION("its result comes first") {
    sut.complete(1, {b});
    CHECK(sut.ends[b].code == errc::none);
  }
  SECTION("its child is killed") {
    sut.perform(sut.run.lane_lost(lane_id{1}, b, {.code = errc::cancelled}));
    CHECK(sut.ends[b].code == errc::cancelled);
    sut.open(2);
    CHECK(sut.take(2) == numbers{next});
  }
  SECTION("its node is lost") {
    sut.perform(sut.run.lane_lost(lane_id{1}, std::nullopt, {.code = errc::node_lost}));
    CHECK(sut.ends[b].code == errc::cancelled);
    CHECK(sut.run.counts()[static_cast<std::size_t>(call_state::ready)] == 1);
  }
  SECTION("its lane closes") {
    sut.perform(sut.run.lane_closed(lane_id{1}));
    CHECK(sut.ends[b].code == errc::cancelled);
  }
  CHECK(sut.ends.count(free) == 0);
  sut.run.check_invariants();
}

TEST_CASE("a call that nobody wants is not tried again", "[core][call_run]") {
  call_pair sut({.retries = 3});
  sut.open(1);
  const auto a = sut.call();
  sut.submit();
  CHECK(sut.take(1) == numbers{a});
  sut.perform(sut.run.cancel_calls(numbers{a}));
  const auto why = to_binary(error{.code = errc::resource_exhausted, .message = "full"});
  sut.perform(sut.run.replied(lane_id{1}, call_message(call_kind::replies, a, 1, why)).value());
  CHECK(sut.ends[a].code == errc::resource_exhausted);
  sut.run.check_invariants();
}

TEST_CASE("an empty run is over when it is closed, and is over once", "[core][call_run]") {
  call_pair sut;
  CHECK(sut.run.close().over);
  CHECK_FALSE(sut.run.close().over);
  CHECK_FALSE(sut.run.cancel({.code = errc::cancelled}).over);
}

TEST_CASE("a call that results make too large for a child ends alone", "[core][call_run]") {
  call_pair sut({.arguments_max = 100});
  sut.open(1);
  const auto first = sut.client.add(1, encode(list{}).value());
  sut.submit();
  const auto large = encode(value(std::string(200, 'x'))).value();
  REQUIRE(sut.run.replied(lane_id{1}, call_message(call_kind::replies, first, 0, large)));
  const auto arguments = encode(list{value(result_of(first))}).value();
  sut.client.add(1, arguments, placeholders_in(arguments).value());
  sut.client.add(1, encode(list{}).value());
  const auto step = sut.submit();
  REQUIRE(step.results.size() == 1);
  CHECK(step.results[0].find("at most 100 are passed on") != std::string::npos);
  CHECK(sut.run.counts() == call_counts{0, 0, 1, 1, 1});
  sut.run.check_invariants();
}

TEST_CASE("a run keeps so many bytes of calls and results, and takes no more", "[core][call_run]") {
  call_pair sut({.kept_bytes_max = 10'000});
  sut.client.add(1, std::string(9'000, 'x'));
  CHECK(sut.run.submitted(sut.client.finish()));
  sut.client.add(1, std::string(9'000, 'x'));
  const auto refused = sut.run.submitted(sut.client.finish());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::limit_exceeded);
}
