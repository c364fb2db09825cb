#include "maze/actors/worker.hpp"

#include "support/needs.hpp"
#include "support/worker_fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;

namespace {

using test::read_file;
using test::stdout_of;
using test::worker_fixture;
using told = test::told_attempt;

std::optional<std::string> needs_root() {
  return ::geteuid() == 0 ? std::nullopt : std::optional<std::string>("needs root");
}

} // namespace

TEST_CASE_METHOD(worker_fixture, "an attempt tells when it was in which phase",
                 "[actors][worker]") {
  start(test::shell("a", "echo x > out.txt"));
  order();
  const auto seen = wait();
  REQUIRE(seen.published);
  // Since its order came 100 s ago; its content took 90 s of them to come.
  core::duration last = std::chrono::seconds(10);
  for (const auto phase :
       {core::phase::pull, core::phase::resolve, core::phase::execute, core::phase::push}) {
    const core::phase_times::span& at = seen.published->phases.at(phase);
    CHECK(at.began >= last);
    CHECK(at.ended > at.began);
    last = at.ended;
  }
  const core::phase_times::span& pull = seen.published->phases.at(core::phase::pull);
  CHECK(pull.ended - pull.began > std::chrono::seconds(90));
}

TEST_CASE_METHOD(worker_fixture, "an attempt goes through its four phases and publishes",
                 "[actors][worker]") {
  core::file_map base;
  base.emplace("folder", core::file_entry{.kind = core::file_kind::directory, .mode = 0755});
  start(test::shell("hello", "echo hello; echo made > made.txt"), {}, std::move(base));
  order();
  const told seen = wait();
  CHECK(stdout_of(seen) == "hello\n");
  CHECK(seen.phases
        == std::vector<core::phase>{core::phase::pull, core::phase::resolve, core::phase::execute,
                                    core::phase::push});
  REQUIRE(seen.published->files.written.count("made.txt") == 1);
  CHECK(read_file(blobs->path_of(seen.published->files.written.at("made.txt").hash)) == "made\n");
  CHECK(seen.published->attempt == test::attempt(1));
  CHECK(seen.free->slot == core::slot_id{3});
  CHECK(seen.free->attempt == test::attempt(1));
}

TEST_CASE_METHOD(worker_fixture, "a worker takes one attempt after the other", "[actors][worker]") {
  start(test::shell("hello", "echo $MAZE_ATTEMPT; ls; touch left-behind"));
  for (std::uint64_t i = 1; i <= 3; ++i) {
    order(i);
    CHECK(stdout_of(wait()) == "1\n");
  }
}

TEST_CASE_METHOD(worker_fixture, "a program gets its arguments, snapshot, inputs and GPUs",
                 "[actors][worker]") {
  auto spec = test::command(
      "cat", {"/bin/sh", "-c", "cat in.txt; printf %s \"$MAZE_INPUT_x $CUDA_VISIBLE_DEVICES\""});
  spec.parameters = {{.name = "x"}};
  spec.inputs["x"] = {core::parse_reference("before.output.run").value()};
  const auto blob = blobs->put_bytes("snapshot\n").value();
  start(spec, {}, {{"in.txt", {.hash = blob.hash, .size = blob.size}}});
  order(1, {{"before", test::output_of("value")}}, {1});
  CHECK(stdout_of(wait()) == "snapshot\nvalue 5");
}

TEST_CASE_METHOD(worker_fixture, "a command that fails publishes nothing and leaves its output",
                 "[actors][worker]") {
  start(test::shell("fails", "echo said; echo why >&2; echo half > half.txt; exit 3"));
  order();
  const told seen = wait();
  CHECK_FALSE(seen.published);
  REQUIRE(seen.lost);
  CHECK(seen.lost->attempt == test::attempt(1));
  CHECK(seen.lost->reason.code == core::errc::exit_nonzero);
  CHECK(seen.lost->reason.evidence == "why\n");
  CHECK(log_of("fails.1.out") == "said\n");
  CHECK(log_of("fails.1.err") == "why\n");
}

TEST_CASE_METHOD(worker_fixture, "a program that is not there fails with its name",
                 "[actors][worker]") {
  start(test::command("missing", {"/no/such/program"}));
  order();
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.message.find("/no/such/program") != std::string::npos);
}

TEST_CASE_METHOD(worker_fixture, "an input that is missing fails before anything starts",
                 "[actors][worker]") {
  auto spec = test::shell("t");
  spec.parameters = {{.name = "x"}};
  start(spec);
  order();
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::input_missing);
  CHECK(seen.phases.empty());
}

TEST_CASE_METHOD(worker_fixture, "of an attempt that sees no files only its execution is told",
                 "[actors][worker]") {
  start(test::shell("hello", "echo hello"));
  order();
  const told seen = wait();
  CHECK(stdout_of(seen) == "hello\n");
  CHECK(seen.phases == std::vector<core::phase>{core::phase::execute});
}

TEST_CASE_METHOD(worker_fixture, "an attempt that is stopped ends as cancelled and frees its slot",
                 "[actors][worker]") {
  start(test::shell("sleeps", "sleep 60"));
  order();
  wait_for(core::phase::execute);
  caf::anon_send(sut, stop_child{test::attempt(9)});
  caf::anon_send(sut, stop_child{test::attempt(1)});
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::cancelled);
  order(2);
  wait_for(core::phase::execute);
  caf::anon_send(sut, stop_child{test::attempt(1)});
  caf::anon_send(sut, stop_child{test::attempt(2)});
  CHECK(wait().free->attempt == test::attempt(2));
}

TEST_CASE_METHOD(worker_fixture, "an attempt that ends because its node stops can be run again",
                 "[actors][worker]") {
  start(test::shell("sleeps", "sleep 60"));
  order();
  wait_for(core::phase::execute);
  stopping.request_stop();
  caf::anon_send(sut, stop_child{test::attempt(1)});
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::node_lost);
}

TEST_CASE_METHOD(worker_fixture, "what a task left is not hashed once the node stops",
                 "[actors][worker]") {
  core::file_map base;
  base.emplace("folder", core::file_entry{.kind = core::file_kind::directory, .mode = 0755});
  start(test::shell("huge", "truncate -s 1T big"), {}, std::move(base));
  order();
  wait_for(core::phase::push);
  stopping.request_stop();
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::node_lost);
}

TEST_CASE_METHOD(worker_fixture, "output that the value does not hold is told of",
                 "[actors][worker]") {
  start(test::shell("talks", "seq 1 30000; echo short >&2"));
  order();
  const told seen = wait();
  REQUIRE(seen.published);
  REQUIRE(seen.published->cut.size() == 1);
  const cut_stream& cut = seen.published->cut[0];
  CHECK(cut.stream == "stdout");
  CHECK(cut.total == 168894);
  CHECK(cut.kept == 65536);
  CHECK(std::filesystem::file_size(cut.log) == cut.total);
  CHECK(cut.log_error.empty());
}

TEST_CASE_METHOD(worker_fixture, "nothing of an attempt's view stays on the disk",
                 "[actors][worker]") {
  start(test::shell("t", "echo a-mark-to-look-for > made.txt; exit 1"));
  order();
  wait();
  order(2);
  wait();
  // The view of the first attempt was removed before the second began.
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "run" / "space"))
    CHECK(entry.path().string().find("1-1") == std::string::npos);
}

TEST_CASE_METHOD(worker_fixture, "the child of a second attempt starts when the first one's ended",
                 "[actors][worker]") {
  const std::string gate = (folder / "gate").native(), mark = (folder / "mark").native();
  REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
  // Who comes first makes the mark, but only when it ends.
  start(test::shell("t", "if [ -e " + mark + " ]; then echo second; else read x <" + gate
                             + "; touch " + mark + "; echo first; fi"));
  order(1);
  wait_for(core::phase::execute);
  order(2);
  std::ofstream(gate) << "go\n";
  const told first = wait();
  CHECK(stdout_of(first) == "first\n");
  CHECK(first.free->attempt == test::attempt(1));
  const told second = wait();
  CHECK(stdout_of(second) == "second\n");
  CHECK(second.free->attempt == test::attempt(2));
  CHECK(first.phases.size() + second.phases.size() == 1);
}

TEST_CASE_METHOD(worker_fixture,
                 "a second attempt that fails before it begins leaves the first alone",
                 "[actors][worker]") {
  auto spec = test::shell("sleeps", "sleep 60");
  spec.parameters = {{.name = "x"}};
  spec.inputs["x"] = {core::parse_reference("before.output.run").value()};
  start(spec);
  order(1, {{"before", test::output_of("value")}});
  wait_for(core::phase::execute);
  order(2);
  const told second = wait();
  REQUIRE(second.lost);
  CHECK(second.lost->attempt == test::attempt(2));
  CHECK(second.free->attempt == test::attempt(2));
  caf::anon_send(sut, stop_child{test::attempt(1)});
  CHECK(wait().free->attempt == test::attempt(1));
}

TEST_CASE_METHOD(worker_fixture, "a second attempt is stopped before it begins",
                 "[actors][worker]") {
  start(test::shell("sleeps", "touch " + (folder / "begun").native() + "$MAZE_ATTEMPT; sleep 60"));
  order(1);
  wait_for(core::phase::execute);
  order(2);
  caf::anon_send(sut, stop_child{test::attempt(2)});
  const told second = wait();
  REQUIRE(second.lost);
  CHECK(second.lost->reason.code == core::errc::cancelled);
  CHECK(second.free->attempt == test::attempt(2));
  CHECK(second.phases.empty());
  caf::anon_send(sut, stop_child{test::attempt(1)});
  CHECK(wait().lost->attempt == test::attempt(1));
}

TEST_CASE_METHOD(worker_fixture, "a second attempt is given back whole unless it has begun",
                 "[actors][worker]") {
  start(test::shell("sleeps", "sleep 60"));
  order(1);
  wait_for(core::phase::execute);
  order(2);
  caf::anon_send(sut, recall_child{test::attempt(1)});
  caf::anon_send(sut, recall_child{test::attempt(2)});
  (*self)->receive(
      [&](const attempt_returned& msg) {
        CHECK(msg.slot == core::slot_id{3});
        CHECK(msg.order.attempt == test::attempt(2));
        CHECK(msg.order.run == core::run_id{7});
        CHECK(msg.order.context);
      },
      caf::after(std::chrono::seconds(60)) >> [] { FAIL("the worker is silent"); });
  // It may come again.
  order(2);
  caf::anon_send(sut, stop_child{test::attempt(1)});
  const told first = wait();
  CHECK(first.free->attempt == test::attempt(1));
  CHECK(first.phases == std::vector<core::phase>{core::phase::execute});
  caf::anon_send(sut, stop_child{test::attempt(2)});
  CHECK(wait().free->attempt == test::attempt(2));
}

TEST_CASE_METHOD(worker_fixture, "two attempts of one slot have users of their own",
                 "[actors][worker]") {
  MAZE_NEEDS(needs_root());
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0711));
  auto changed = *services;
  changed.first_user = 1'900'000'000;
  services = std::make_shared<const worker_services>(std::move(changed));
  start(test::shell("t", "id -u; sleep 0.05"));
  order(1);
  order(2);
  const std::string first = stdout_of(wait()), second = stdout_of(wait());
  // Slot 3 has the users 6 and 7.
  CHECK(first == "1900000006\n");
  CHECK(second == "1900000007\n");
}

TEST_CASE_METHOD(worker_fixture, "a worker looks again whether an order is permitted here",
                 "[actors][worker]") {
  auto changed = *services;
  changed.offers.permissions = {};
  services = std::make_shared<const worker_services>(std::move(changed));
  start(test::shell("t", "true"));
  order();
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::permission_denied);
  CHECK(seen.lost->reason.message.find("system_commands") != std::string::npos);
}
