#include "maze/actors/node_link.hpp"

#include "support/builders.hpp"
#include "support/fake_actors.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using namespace std::chrono_literals;

namespace {

/// A node link, and a node at its other end that understands frames.
struct link_fixture : test::actor_fixture {
  static constexpr core::session_id session{77};
  static constexpr core::run_id run_of_all{7};

  test::scratch_dir folder;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::recording_master master = test::spawn_master(*this);
  test::recording_context context = test::spawn_context(*this);
  std::shared_ptr<std::vector<core::link_frame>> frames =
      std::make_shared<std::vector<core::link_frame>>();
  node_peer node = spawn([frames = frames](node_peer::pointer) {
    return node_peer::behavior_type{
        [=](const core::link_frame& frame) { frames->push_back(frame); },
        [](const read_log& msg) {
          return log_piece{.bytes = msg.task + " says hello", .next = 1, .ended = true};
        },
        // So that the link says what it knows by itself.
        [](ask_load) -> caf::result<node_load> {
          return to_caf({.code = core::errc::cancelled, .message = "busy"});
        },
        [](end_node) { return true; }};
  });
  node_link_actor sut =
      spawn(node_link, node_link_setup{.node_name = "n1",
                                       .labels = {{"disk", "ssd"}},
                                       .link = {},
                                       .master = master.actor,
                                       .scheduler = scheduler.actor,
                                       .blobs = blobs,
                                       .log = io::log::open({.file = folder / "log"}).value(),
                                       .late_max = 60s});
  core::link peer{session, {}, core::instant{}};

  void open() {
    tell(sut, open_link{core::node_id{1}, session});
    tell(sut, attach_uplink{node});
    static_cast<void>(peer.connected({}));
  }
  /// Everything that has come to the node, in order.
  std::vector<core::to_node> heard() {
    std::vector<core::to_node> out;
    for (core::link_frame& frame : std::exchange(*frames, {}))
      for (const std::string& batch : peer.received(std::move(frame), {}).delivered)
        core::for_each_item(batch, [&out](std::string_view item) {
          out.push_back(core::decode_to_node(item).value());
        });
    return out;
  }
  /// The node says this: the frames, which a test may send again.
  std::vector<core::link_frame> say(const core::to_master& what) {
    REQUIRE(peer.send(core::encode_to_master(what)));
    auto out = peer.flush({}).frames;
    for (const core::link_frame& frame : out)
      tell(sut, core::link_frame(frame));
    return out;
  }
  void order(std::uint64_t counter) {
    tell(sut, run_attempts{{{{.run = run_of_all,
                              .task = core::task_id{0},
                              .attempt = test::attempt(counter),
                              .needs = {.cpu_millis = 1000}},
                             context.actor}}});
  }
  static core::order_published published(std::uint64_t counter) {
    return {run_of_all, test::attempt(counter), test::output_of("x"), {}, {}};
  }
};

} // namespace

TEST_CASE_METHOD(link_fixture, "what is asked of a node before it can hear reaches it in order",
                 "[actors][node_link]") {
  order(1);
  open();
  order(2);
  tell(sut, stop_attempts{{test::attempt(1)}});
  tell(sut, close_run{run_of_all});
  tell(sut, close_run{run_of_all});
  const auto told = heard();
  REQUIRE(told.size() == 5);
  CHECK(std::get<core::open_run>(told[0]).run == run_of_all);
  CHECK(std::get<core::run_orders>(told[1]).orders.at(0).attempt == test::attempt(1));
  CHECK(std::get<core::run_orders>(told[2]).orders.at(0).attempt == test::attempt(2));
  CHECK(std::get<core::stop_orders>(told[3]).attempts.at(0) == test::attempt(1));
  CHECK(std::get<core::close_run>(told[4]).run == run_of_all);
}

TEST_CASE_METHOD(link_fixture, "what a node says twice is heard once", "[actors][node_link]") {
  open();
  order(1);
  const auto frames_said =
      say(core::order_entered{run_of_all, test::attempt(1), core::phase::execute});
  for (const auto& frame : frames_said)
    tell(sut, core::link_frame(frame));
  say(published(1));
  say(core::orders_ended{{test::attempt(1)}, {}});
  CHECK(context->heard == std::vector<std::string>{"entered", "published"});
  CHECK(scheduler->ended == std::vector{test::attempt(1)});
  CHECK(ask<node_load>(sut, ask_load{}).running == 0);
}

TEST_CASE_METHOD(link_fixture, "a publication counts when its files are here",
                 "[actors][node_link]") {
  open();
  order(1);
  order(2);
  auto missing = published(1);
  missing.files.written["a.txt"] = {.hash = {1, 2}, .size = 3};
  say(missing);
  REQUIRE(context->lost.size() == 1);
  CHECK(context->lost[0].reason.code == core::errc::transfer_error);
  CHECK(context->lost[0].reason.message.find("a.txt") != std::string::npos);
  auto complete = published(2);
  const auto blob = blobs->put_bytes("content").value();
  complete.files.written["a.txt"] = {.hash = blob.hash, .size = blob.size};
  say(complete);
  REQUIRE(context->published.size() == 1);
  CHECK(context->published[0].files == complete.files);
}

TEST_CASE_METHOD(link_fixture, "a node that refuses an attempt gives the scheduler its order back",
                 "[actors][node_link]") {
  open();
  order(1);
  say(core::orders_refused{{test::attempt(1), test::attempt(9)}, {.cpu_millis = 5}, true});
  REQUIRE(scheduler->refused.size() == 1);
  CHECK(scheduler->refused[0].order.attempt == test::attempt(1));
  CHECK(scheduler->refused[0].order.context == context.actor);
  CHECK(scheduler->refused[0].draining);
  CHECK(ask<node_load>(sut, ask_load{}).running == 0);
}

TEST_CASE_METHOD(link_fixture, "a drain is answered when the node says that it is idle",
                 "[actors][node_link]") {
  open();
  const auto drained = ask_later<bool>(sut, drain_node{});
  CHECK(std::holds_alternative<core::drain_node>(heard().back()));
  CHECK(drained.pending());
  say(core::node_leaving{});
  CHECK(drained.value());
}

TEST_CASE_METHOD(link_fixture,
                 "a silent node is told to the master once, and comes late after that",
                 "[actors][node_link]") {
  open();
  order(1);
  const auto drained = ask_later<bool>(sut, drain_node{});
  for (int i = 0; i < 60; ++i)
    advance(100ms);
  REQUIRE(master->silent.size() == 1);
  CHECK(master->silent[0].session == session);
  CHECK(drained.value());
  CHECK(ask<node_load>(sut, ask_load{}).running == 0);
  // For the run to refuse and count.
  say(published(1));
  CHECK(context->published.size() == 1);
  CHECK(master->silent.size() == 1);
  CHECK(ask<node_load>(sut, ask_load{}).running == 0);
  // It has ended, so nobody answers.
  advance(60s);
  ask_failing<node_load>(sut, ask_load{});
}

TEST_CASE_METHOD(link_fixture, "a node that speaks no sense is given up", "[actors][node_link]") {
  open();
  REQUIRE(peer.send("no message"));
  for (auto& frame : peer.flush({}).frames)
    tell(sut, std::move(frame));
  REQUIRE(master->silent.size() == 1);
}

TEST_CASE_METHOD(link_fixture, "what a task printed is read on its node", "[actors][node_link]") {
  const read_log question{.run = run_of_all, .task = "a"};
  CHECK_THAT(ask_failing<log_piece>(sut, question).message, Catch::Contains("cannot be reached"));
  open();
  CHECK(ask<log_piece>(sut, question).bytes == "a says hello");
}

TEST_CASE_METHOD(link_fixture, "a node that leaves is given up at once", "[actors][node_link]") {
  open();
  CHECK(ask<bool>(sut, node_leaves{}));
  run();
  REQUIRE(master.book->silent.size() == 1);
  CHECK(master.book->silent.front().reason.message == "the node left");
}

TEST_CASE_METHOD(link_fixture, "a node elsewhere is told which data nobody needs any more",
                 "[actors][node_link]") {
  open();
  const core::drop_data news{.runs = {core::run_id{7}}, .blobs = {{1, 2}}};
  tell(sut, news);
  const auto told = heard();
  REQUIRE(told.size() == 1);
  CHECK(std::get<core::drop_data>(told[0]) == news);
}
