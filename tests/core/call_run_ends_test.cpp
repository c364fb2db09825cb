#include "maze/core/call_run.hpp"
#include "support/call_pair.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace maze;
using namespace maze::core;
using test::call_pair;
using numbers = std::vector<call_number>;

namespace {

const error crash{.code = errc::worker_crash, .message = "signal 11"};
const error node_gone{.code = errc::node_lost, .message = "silent"};

/// `calls` calls on lane 1.
call_pair busy(int calls, call_run::options settings = {}) {
  settings.lanes.credit_min = 64;
  call_pair out(settings);
  out.open(1);
  for (int i = 0; i < calls; ++i)
    out.call();
  out.submit();
  out.sent.clear();
  return out;
}

} // namespace

TEST_CASE("a call that fails for good ends, and all that follow from it", "[core][call_run]") {
  call_pair sut({.retries = 5, .lanes = {.credit_min = 8}});
  sut.open(1);
  const auto a = sut.call();
  const auto b = sut.call_with(a);
  sut.call("x", {b});
  sut.submit();
  sut.fail(1, a, errc::user_exception);
  CHECK(sut.ends[a].code == errc::user_exception);
  CHECK(sut.ends[2].code == errc::upstream_failed);
  CHECK(sut.ends[2].message == "call 0, on which this one depends, failed");
  sut.call_with(b);
  sut.submit();
  CHECK(sut.ends[3].message == "call 0, on which this one depends, failed");
  CHECK(sut.run.counts() == call_counts{0, 0, 0, 0, 4});
}

TEST_CASE("a call is tried again as often as it may be, where that can help", "[core][call_run]") {
  auto sut = busy(2, {.retries = 1});
  call_message_writer writer;
  writer.add(0, 1, to_binary(error{.code = errc::resource_exhausted}));
  writer.add(1, 0, "result");
  const auto step = sut.reply(1, writer, 1000);
  REQUIRE(step.results.size() == 1);
  CHECK(call_message_view::of(step.results[0])->size() == 1);
  CHECK(sut.ends.count(0) == 0);
  CHECK(sut.take(1) == numbers{0});
  CHECK(sut.run.retried() == 1);
  CHECK(sut.fail(1, 0, errc::resource_exhausted).send.empty());
  CHECK(sut.ends[0].code == errc::resource_exhausted);
}

TEST_CASE("what a closing lane gives back goes first elsewhere", "[core][call_run]") {
  auto sut = busy(4);
  CHECK(sut.run.lane_closing(lane_id{1}).send.empty());
  sut.call();
  CHECK(sut.submit().send.empty());
  CHECK(sut.perform(sut.run.returned(lane_id{1}, std::array<call_number, 2>{2, 3}).value())
            .send.empty());
  sut.complete(1, {0});
  sut.run.lane_closed(lane_id{1});
  sut.run.check_invariants();
  sut.open(2);
  CHECK(sut.take(2) == numbers{1, 2, 3, 4});
  CHECK(sut.run.lane_closed(lane_id{7}).send.empty());
  CHECK(sut.run.lane_closing(lane_id{7}).send.empty());
}

TEST_CASE("the call that was at work when its child crashed is charged, no other",
          "[core][call_run]") {
  auto sut = busy(3);
  sut.perform(sut.run.lane_lost(lane_id{1}, 1, crash));
  CHECK(sut.ends[1].code == errc::worker_crash);
  CHECK(sut.ends.size() == 1);
  sut.open(2);
  CHECK(sut.take(2) == numbers{0, 2});
  auto patient = busy(3, {.retries = 1});
  patient.perform(patient.run.lane_lost(lane_id{1}, 1, crash));
  patient.open(2);
  CHECK(patient.take(2) == numbers{0, 1, 2});
  patient.perform(patient.run.lane_lost(lane_id{2}, 1, crash));
  CHECK(patient.ends[1].code == errc::worker_crash);
}

TEST_CASE("a lost node costs a call nothing three times in a row, then it goes alone",
          "[core][call_run]") {
  auto sut = busy(2);
  for (std::uint64_t lane = 1; lane <= 2; ++lane) {
    sut.perform(sut.run.lane_lost(lane_id{lane}, std::nullopt, node_gone));
    sut.open(lane + 1);
    CHECK(sut.take(lane + 1) == numbers{0, 1});
  }
  sut.perform(sut.run.lane_lost(lane_id{3}, std::nullopt, node_gone));
  sut.open(4);
  CHECK(sut.take(4) == numbers{0});
  sut.call();
  CHECK(sut.submit().send.empty());
  // Nobody else was there: it was this one.
  sut.perform(sut.run.lane_lost(lane_id{4}, std::nullopt, node_gone));
  CHECK(sut.ends[0].code == errc::node_lost);
  sut.open(5);
  CHECK(sut.take(5) == numbers{1});
  sut.complete(5, {1});
  CHECK(sut.take(5) == numbers{2});
  CHECK(sut.ends[1].code == errc::none);
}

TEST_CASE("a call blamed for the loss of its node has free losses too", "[core][call_run]") {
  auto sut = busy(1);
  for (std::uint64_t lane = 1; lane <= 3; ++lane) {
    sut.perform(sut.run.lane_lost(lane_id{lane}, 0, node_gone));
    CHECK(sut.ends.empty());
    sut.open(lane + 1);
  }
  sut.perform(sut.run.lane_lost(lane_id{4}, 0, node_gone));
  CHECK(sut.ends[0].code == errc::node_lost);
}

TEST_CASE("who blames a call that was not there blames nobody", "[core][call_run]") {
  auto sut = busy(1);
  for (std::uint64_t lane = 1; lane <= 3; ++lane) {
    sut.perform(sut.run.lane_lost(lane_id{lane}, 17, crash));
    CHECK(sut.ends.empty());
    sut.open(lane + 1);
  }
  sut.perform(sut.run.lane_lost(lane_id{4}, 17, crash));
  CHECK(sut.ends[0].code == errc::worker_crash);
}

TEST_CASE("what a lane says after its end changes nothing", "[core][call_run]") {
  auto sut = busy(1);
  sut.perform(sut.run.lane_lost(lane_id{1}, std::nullopt, node_gone));
  const auto late = call_message(call_kind::replies, 0, 0, "late");
  CHECK(sut.run.replied(lane_id{1}, late).error().code == errc::stale);
  CHECK(sut.run.returned(lane_id{1}, std::array<call_number, 1>{0}).error().code == errc::stale);
  CHECK(sut.run.stale_refused() == 2);
  CHECK(sut.run.lane_lost(lane_id{1}, 0, crash).results.empty());
  CHECK(sut.run.counts() == call_counts{0, 1, 0, 0, 0});
}

TEST_CASE("a lane that says something impossible is refused as a whole", "[core][call_run]") {
  const auto ok = call_message(call_kind::replies, 0, 0, "r");
  call_message_writer more;
  for (std::uint64_t i = 0; i < 3; ++i)
    more.add(i, 0, "r");
  std::string many;
  more.finish(call_kind::replies, many);
  const std::string none(call_header_size, '\0');
  const std::vector<std::string> impossible{
      call_message(call_kind::replies, 1, 0, "r"), // not the oldest
      call_message(call_kind::calls, 0, 0, "r"),
      call_message(call_kind::replies, 0, 2, "r"),
      call_message(call_kind::replies, 0, 1, "no error"),
      call_message(call_kind::replies, 0, 1, to_binary(error{})),
      ok.substr(0, ok.size() - 1),
      many,
      none,
  };
  for (const auto& each : impossible) {
    auto sut = busy(2);
    CHECK(sut.run.replied(lane_id{1}, each).error().code == errc::malformed);
    sut.run.check_invariants();
    CHECK(sut.run.replied(lane_id{1}, ok).error().code == errc::stale);
    sut.call();
    CHECK(sut.submit().send.empty());
    sut.perform(sut.run.lane_lost(lane_id{1}, std::nullopt, crash));
    CHECK(sut.run.counts() == call_counts{0, 3, 0, 0, 0});
  }
  auto sut = busy(2);
  CHECK(sut.run.returned(lane_id{1}, std::array<call_number, 1>{2}).error().code
        == errc::malformed);
}
