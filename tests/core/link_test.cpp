#include "maze/core/link.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace std::chrono_literals;
using core::instant;
using core::link_frame;
using core::link_step;
using core::session_end;

namespace {

const core::session_id ours{77};
using texts = std::vector<std::string>;

/// Two ends and a wire that the test cuts and mends; time is what the test says.
struct pair_of_ends {
  core::link::options settings;
  core::link master{ours, settings, 0s};
  core::link node{ours, settings, 0s};
  texts at_master;
  texts at_node;

  static void keep(const link_step& step, texts& into) {
    for (const auto& batch : step.delivered)
      core::for_each_item(batch, [&](std::string_view item) { into.emplace_back(item); });
  }
  void connect(instant now) {
    auto down = master.connected(now);
    auto up = node.connected(now);
    exchange(std::move(down), std::move(up), now);
  }
  /// Carries frames to and fro until nothing more is said.
  void exchange(link_step down, link_step up, instant now) {
    while (!down.frames.empty() || !up.frames.empty()) {
      link_step next_up;
      link_step next_down;
      for (auto& frame : down.frames)
        collect(node.received(frame, now), next_up, at_node);
      for (auto& frame : up.frames)
        collect(master.received(frame, now), next_down, at_master);
      down = std::move(next_down);
      up = std::move(next_up);
    }
    master.check_invariants();
    node.check_invariants();
  }
  static void collect(link_step step, link_step& into, texts& items) {
    keep(step, items);
    for (auto& frame : step.frames)
      into.frames.push_back(std::move(frame));
  }
};

const core::session_over* over(const link_step& step) {
  for (const auto& event : step.events)
    if (const auto* found = std::get_if<core::session_over>(&event))
      return found;
  return nullptr;
}

bool established(const link_step& step) {
  return !step.events.empty()
         && std::holds_alternative<core::session_established>(step.events.front());
}

} // namespace

TEST_CASE("items go both ways, once and in order", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  for (const char* item : {"a", "b", "c"})
    REQUIRE(sut.master.send(item));
  REQUIRE(sut.node.send("up"));
  auto down = sut.master.flush(1ms);
  auto up = sut.node.flush(1ms);
  CHECK(down.frames.size() == 1);
  sut.exchange(std::move(down), std::move(up), 1ms);
  CHECK(sut.at_node == texts{"a", "b", "c"});
  CHECK(sut.at_master == texts{"up"});
}

TEST_CASE("the first word of the other end establishes a session, once", "[core][link]") {
  pair_of_ends sut;
  sut.master.connected(0s);
  const auto hello = sut.node.connected(0s);
  REQUIRE(hello.frames.size() == 1);
  CHECK(established(sut.master.received(hello.frames[0], 1ms)));
  CHECK_FALSE(established(sut.master.received(hello.frames[0], 2ms)));
}

TEST_CASE("an acknowledgement waits a moment for a frame to travel with", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  REQUIRE(sut.master.send("a"));
  const auto down = sut.master.flush(0s);
  auto heard = sut.node.received(down.frames[0], 1ms);
  CHECK(heard.frames.empty());
  CHECK(heard.wake_at == instant(11ms));
  const auto alone = sut.node.time_passed(11ms);
  REQUIRE(alone.frames.size() == 1);
  CHECK(alone.frames[0].ack == 1);
  CHECK(alone.frames[0].number == 0);

  REQUIRE(sut.master.send("b"));
  sut.node.received(sut.master.flush(20ms).frames[0], 20ms);
  REQUIRE(sut.node.send("up"));
  const auto together = sut.node.flush(21ms);
  REQUIRE(together.frames.size() == 1);
  CHECK(together.frames[0].ack == 2);
  CHECK(together.frames[0].number == 1);
  CHECK(sut.node.time_passed(31ms).frames.empty());
}

TEST_CASE("many batches and repeated ones are acknowledged at once", "[core][link]") {
  core::link::options settings;
  settings.ack_batches = 2;
  settings.out.batch_items_max = 1;
  pair_of_ends sut{.settings = settings};
  sut.connect(0s);
  REQUIRE(sut.master.send("a"));
  REQUIRE(sut.master.send("b"));
  const auto down = sut.master.flush(0s);
  REQUIRE(down.frames.size() == 2);
  CHECK(sut.node.received(down.frames[0], 1ms).frames.empty());
  CHECK(sut.node.received(down.frames[1], 1ms).frames.size() == 1);
  CHECK(sut.node.received(down.frames[1], 1ms).frames.size() == 1);
  CHECK(sut.node.counted().repeated == 1);
}

TEST_CASE("a silent end says something each heartbeat", "[core][link]") {
  pair_of_ends sut;
  const auto begin = sut.node.connected(0s);
  CHECK(begin.wake_at == instant(1s));
  CHECK(sut.node.time_passed(999ms).frames.empty());
  const auto beat = sut.node.time_passed(1s);
  REQUIRE(beat.frames.size() == 1);
  CHECK(beat.frames[0] == link_frame{.session = ours});
  CHECK(beat.wake_at == instant(2s));
}

TEST_CASE("what was lost with a connection comes with the next one", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  REQUIRE(sut.master.send("lost"));
  CHECK(sut.master.flush(1ms).frames.size() == 1);
  sut.master.disconnected(2ms);
  sut.node.disconnected(2ms);
  REQUIRE(sut.master.send("waits"));
  CHECK(sut.master.flush(3ms).frames.empty());
  CHECK(sut.master.outbox().queued_items() == 1);
  sut.connect(500ms);
  CHECK(sut.at_node == texts{"lost", "waits"});
  CHECK_FALSE(sut.master.is_over());
}

TEST_CASE("silence for as long as the lease ends the session", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  for (const auto now : {1s, 2s, 3s, 4s})
    CHECK_FALSE(over(sut.master.time_passed(now)));
  CHECK_FALSE(over(sut.master.time_passed(4999ms)));
  const auto end = sut.master.time_passed(5s);
  REQUIRE(over(end));
  CHECK(over(end)->how == session_end::silent);
  CHECK(over(end)->reason.code == core::errc::node_lost);
  CHECK_FALSE(end.wake_at);
  REQUIRE(end.frames.size() == 1);
  CHECK(end.frames[0].kind == core::frame_kind::over);
  CHECK(sut.master.send("x").error().code == core::errc::stale);
  CHECK_FALSE(over(sut.master.time_passed(9s)));
  // The node hears of it and is told why.
  const auto told = sut.node.received(end.frames[0], 5s);
  REQUIRE(over(told));
  CHECK(over(told)->how == session_end::told);
  CHECK(over(told)->reason == over(end)->reason);
  CHECK(told.frames.empty());
}

TEST_CASE("a closed link has a second to come back", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  CHECK(sut.master.disconnected(100ms).wake_at == instant(1100ms));
  SECTION("it comes back") {
    sut.connect(1099ms);
    CHECK_FALSE(over(sut.master.time_passed(1100ms)));
  }
  SECTION("it does not") {
    const auto end = sut.master.time_passed(1100ms);
    REQUIRE(over(end));
    CHECK(over(end)->how == session_end::closed);
    CHECK(end.frames.empty());
  }
}

TEST_CASE("an end that is busy finds the lease over as well", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  for (const auto now : {1s, 2s, 3s, 4s})
    CHECK_FALSE(over(sut.master.flush(now)));
  CHECK(over(sut.master.flush(5s)));
}

TEST_CASE("the end of the lease is also that of a closed link", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  for (const auto now : {1s, 2s, 3s, 4s})
    sut.master.time_passed(now);
  sut.master.disconnected(4500ms);
  const auto end = sut.master.time_passed(5s);
  REQUIRE(over(end));
  CHECK(over(end)->how == session_end::silent);
}

TEST_CASE("an admitted node that never connects is given up", "[core][link]") {
  core::link sut{ours, {}, 10s};
  CHECK_FALSE(over(sut.time_passed(10999ms)));
  CHECK(over(sut.time_passed(11s)));
}

TEST_CASE("an end that stood still hears what waits before it judges", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  sut.master.time_passed(1s);
  const auto awake = sut.master.time_passed(60s);
  CHECK_FALSE(over(awake));
  CHECK(awake.wake_at == instant(61s));
  CHECK_FALSE(over(sut.master.time_passed(61s)));
  CHECK_FALSE(over(sut.master.time_passed(62s)));
  CHECK(over(sut.master.time_passed(63s)));
}

TEST_CASE("what comes after the end is told so and kept apart", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  REQUIRE(sut.node.send("first"));
  REQUIRE(sut.node.send("second"));
  const auto up = sut.node.flush(1ms);
  const core::error why{.code = core::errc::already_exists, .message = "replaced"};
  const auto ended = sut.master.expel(why, 2ms);
  REQUIRE(over(ended));
  CHECK(over(ended)->how == session_end::asked);
  CHECK(over(sut.master.expel(why, 3ms)) == nullptr);
  const auto late = sut.master.received(up.frames[0], 4ms);
  CHECK(late.delivered.empty());
  REQUIRE(late.late.size() == 1);
  CHECK(*core::check_batch(late.late[0]) == 2);
  REQUIRE(late.frames.size() == 1);
  CHECK(core::reason_of(late.frames[0]) == why);
  CHECK(sut.master.received(up.frames[0], 5ms).late.empty());
  CHECK(sut.master.counted().late == 2);
  CHECK(sut.master.connected(6ms).frames.size() == 1);
}

TEST_CASE("two ends that both closed do not answer each other for ever", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  const auto a = sut.master.expel({}, 1ms);
  sut.node.expel({}, 1ms);
  CHECK(sut.node.received(a.frames[0], 2ms).frames.empty());
}

TEST_CASE("frames of another session change nothing", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  link_frame foreign{.session = {78}, .number = 1, .ack = 99};
  core::append_item(foreign.items, "x");
  auto step = sut.node.received(foreign, 1ms);
  CHECK((step.delivered.empty() && step.frames.empty() && step.events.empty()));
  step = sut.node.received(core::over_frame({78}, {}), 1ms);
  CHECK(step.events.empty());
  CHECK(sut.node.counted().foreign == 2);
  CHECK_FALSE(sut.node.is_over());
}

TEST_CASE("what is not of the protocol ends the session with both told", "[core][link]") {
  pair_of_ends sut;
  sut.connect(0s);
  link_frame bad{.session = ours};
  SECTION("an acknowledgement of nothing") { bad.ack = 1; }
  SECTION("a batch that is none") {
    bad.number = 1;
    bad.items = "\x09";
  }
  SECTION("an unknown kind") { bad.kind = static_cast<core::frame_kind>(9); }
  const auto end = sut.node.received(bad, 1ms);
  REQUIRE(over(end));
  CHECK(over(end)->how == session_end::broken);
  REQUIRE(end.frames.size() == 1);
  CHECK(end.frames[0].kind == core::frame_kind::over);
}

TEST_CASE("an item too large for a link is refused by its sender", "[core][link]") {
  core::link::options settings;
  settings.in.item_bytes_max = 10;
  core::link sut{ours, settings, 0s};
  CHECK(sut.send("0123456789"));
  const auto refused = sut.send("0123456789a");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::limit_exceeded);
  CHECK(refused.error().message.find("11 bytes") != std::string::npos);
}
