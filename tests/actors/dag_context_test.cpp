#include "maze/actors/dag_context.hpp"

#include "support/builders.hpp"
#include "support/fake_actors.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace maze;
using namespace maze::actors;
using namespace std::chrono_literals;

namespace {

constexpr core::run_id run_number{77};

struct context_fixture : test::actor_fixture {
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::memory_journal journal = test::spawn_journal(*this);
  test::recording_master master = test::spawn_master(*this);
  test::recording_listener listener = test::spawn_listener(*this);

  dag_context_actor start(submission work) {
    work.listener = listener.actor;
    const auto out = spawn(
        dag_context, dag_context_setup{.run = run_number,
                                       .work = std::make_shared<const submission>(std::move(work)),
                                       .settings = {},
                                       .master = master.actor,
                                       .scheduler = scheduler.actor,
                                       .journal = journal.actor});
    tell(out, start_run{});
    return out;
  }
  dag_context_actor start(std::vector<core::task_spec> tasks) {
    return start(test::work_of(std::move(tasks)));
  }
  void assign(const dag_context_actor& sut, core::attempt_id attempt, std::uint64_t node = 1) {
    tell(sut, attempts_assigned{core::node_id{node}, {attempt}});
  }
  void publish(const dag_context_actor& sut, std::uint64_t task, core::manifest_delta files = {}) {
    tell(sut,
         publish_attempt{scheduler->attempt_of(task), test::output_of("done"), std::move(files)});
  }
  void fail(const dag_context_actor& sut, std::uint64_t task, core::errc code) {
    tell(sut, attempt_lost{scheduler->attempt_of(task), {.code = code, .message = "it failed"}});
  }
};

core::manifest_delta file(const std::string& path, std::uint64_t content, std::uint64_t size = 10) {
  core::manifest_delta out;
  out.written[path] = {.hash = {0, content}, .size = size};
  return out;
}

} // namespace

TEST_CASE_METHOD(context_fixture, "what is ready is offered without waiting for the disk",
                 "[actors][dag_context]") {
  const auto sut = start(test::diamond());
  REQUIRE(scheduler->offers.size() == 1);
  CHECK(scheduler->offers[0].order.number == 1);
  CHECK(scheduler->offers[0].order.run == run_number);
  publish(sut, 0);
  CHECK(scheduler->offers.size() == 3);
  CHECK(listener->events.empty());
}

TEST_CASE_METHOD(context_fixture, "nobody hears of an end before it is durable",
                 "[actors][dag_context]") {
  const auto sut = start({test::shell("a")});
  test::acknowledge(*this, journal);
  publish(sut, 0);
  CHECK(listener->events.empty());
  CHECK(master->ended.empty());
  CHECK(ask<run_report>(sut, ask_report{}).state == core::run_state::completed);

  test::acknowledge(*this, journal);
  REQUIRE(listener->events.size() == 1);
  CHECK(listener->events[0].ended);
  CHECK(listener->events[0].state == core::run_state::completed);
  REQUIRE(master->ended.size() == 1);
  CHECK(master->ended[0].run == run_number);
  CHECK(master->ended[0].state == core::run_state::completed);
}

TEST_CASE_METHOD(context_fixture, "the ticket of an earlier fact releases nothing that came later",
                 "[actors][dag_context]") {
  const auto sut = start({test::shell("a"), test::shell("b")});
  fail(sut, 0, core::errc::exit_nonzero);
  fail(sut, 1, core::errc::signalled);
  tell(sut, facts_durable{2});
  REQUIRE(listener->events.size() == 1);
  REQUIRE(listener->events[0].not_completed.size() == 1);
  CHECK(listener->events[0].not_completed[0].task == "a");
  CHECK_FALSE(listener->events[0].ended);
  tell(sut, facts_durable{3});
  REQUIRE(listener->events.size() == 2);
  CHECK(listener->events[1].not_completed[0].task == "b");
  CHECK(listener->events[1].ended);
}

TEST_CASE_METHOD(context_fixture, "a failure cancels all that depends on it and nothing else",
                 "[actors][dag_context]") {
  auto tasks = test::diamond();
  tasks.push_back(test::shell("apart"));
  const auto sut = start(tasks);
  fail(sut, 0, core::errc::exit_nonzero);
  publish(sut, 4);
  test::acknowledge(*this, journal);
  const auto report = ask<run_report>(sut, ask_report{});
  CHECK(report.state == core::run_state::failed);
  REQUIRE(report.not_completed.size() == 4);
  CHECK(report.not_completed[0].state == core::task_state::failed);
  CHECK(report.not_completed[0].reason.code == core::errc::exit_nonzero);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(report.not_completed[i].state == core::task_state::cancelled);
    CHECK(report.not_completed[i].reason.code == core::errc::upstream_failed);
    CHECK(report.not_completed[i].attempts == 0);
  }
}

TEST_CASE_METHOD(context_fixture, "an outdated attempt changes nothing", "[actors][dag_context]") {
  auto task = test::shell("a");
  task.retries = 1;
  const auto sut = start({task});
  const auto old = scheduler->attempt_of(0);
  assign(sut, old);
  tell(sut, node_gone{core::node_id{1}});
  REQUIRE(scheduler->attempt_of(0) != old);

  tell(sut, publish_attempt{old, test::output_of("late"), file("late.txt", 1)});
  tell(sut, attempt_lost{old, {.code = core::errc::exit_nonzero}});
  const auto report = ask<run_report>(sut, ask_report{});
  CHECK(report.state == core::run_state::running);
  CHECK(report.published.empty());
  CHECK(report.stale_refused == 2);
}

TEST_CASE_METHOD(context_fixture, "a lost node gives its attempts back, at once and no others",
                 "[actors][dag_context]") {
  const auto sut = start({test::shell("a"), test::shell("b")});
  const auto stays = scheduler->attempt_of(1);
  assign(sut, scheduler->attempt_of(0), 1);
  assign(sut, stays, 2);
  tell(sut, node_gone{core::node_id{1}});
  CHECK(scheduler->offers.size() == 3);
  CHECK(scheduler->offers.back().order.task == core::task_id{0});
  CHECK(scheduler->offers.back().order.number == 2);
  CHECK(scheduler->attempt_of(1) == stays);
}

TEST_CASE_METHOD(context_fixture, "cancelling stops what is out, at once, and ends the run",
                 "[actors][dag_context]") {
  const auto sut = start({test::shell("a"), test::shell("b", "true", {"a"})});
  const auto out = scheduler->attempt_of(0);
  assign(sut, out);
  tell(sut, cancel_run{{.code = core::errc::cancelled, .message = "somebody asked"}});
  CHECK(scheduler->stops == std::vector<core::attempt_id>{out});
  CHECK(master->ended.empty());
  test::acknowledge(*this, journal);
  REQUIRE(master->ended.size() == 1);
  CHECK(master->ended[0].state == core::run_state::cancelled);
  REQUIRE_FALSE(listener->events.empty());
  CHECK(listener->events.back().not_completed.size() == 2);
  tell(sut, attempt_lost{out, {.code = core::errc::cancelled}});
  CHECK(ask<run_report>(sut, ask_report{}).state == core::run_state::cancelled);
}

TEST_CASE_METHOD(context_fixture, "a retry waits for its moment", "[actors][dag_context]") {
  auto task = test::shell("a");
  task.retries = 1;
  const auto sut = start({task});
  fail(sut, 0, core::errc::timeout_wall);
  advance(100ms);
  CHECK(scheduler->offers.size() == 1);
  advance(150ms);
  REQUIRE(scheduler->offers.size() == 2);
  CHECK(scheduler->offers.back().order.number == 2);
  fail(sut, 0, core::errc::timeout_wall);
  advance(1h);
  CHECK(scheduler->offers.size() == 2);
  CHECK(ask<run_report>(sut, ask_report{}).not_completed.at(0).state == core::task_state::timeout);
}

TEST_CASE_METHOD(context_fixture, "each of many retries is woken for", "[actors][dag_context]") {
  std::vector<core::task_spec> tasks;
  for (const char* name : {"a", "b", "c"}) {
    tasks.push_back(test::shell(name));
    tasks.back().retries = 1;
  }
  const auto sut = start(tasks);
  for (std::uint64_t task = 0; task < 3; ++task) {
    fail(sut, task, core::errc::transfer_error);
    advance(50ms);
  }
  advance(200ms);
  CHECK(scheduler->offers.size() == 6);
}

TEST_CASE_METHOD(context_fixture, "a successor gets the outputs it names and its ancestors' files",
                 "[actors][dag_context]") {
  auto reader = test::shell("reader");
  reader.parameters = {{.name = "x"}};
  reader.inputs["x"] = {core::parse_reference("writer.output.run").value()};
  const auto sut = start({test::shell("writer"), reader, test::shell("apart")});
  const auto writer = scheduler->attempt_of(0);
  assign(sut, writer, 5);
  publish(sut, 0, file("made.txt", 9, 1000));
  const auto& offer = scheduler->offers.back();
  REQUIRE(offer.order.task == core::task_id{1});
  CHECK(offer.order.outputs
        == std::map<std::string, std::string>{{"writer", test::output_of("done")}});
  CHECK(offer.order.files.written.count("made.txt") == 1);
  CHECK(offer.task.local_bytes
        == std::vector<std::pair<core::node_id, std::uint64_t>>{{core::node_id{5}, 1000}});
}

TEST_CASE_METHOD(context_fixture, "two unrelated publishers of one path are both named",
                 "[actors][dag_context]") {
  const auto sut = start(
      {test::shell("left"), test::shell("right"), test::shell("both", "true", {"left", "right"})});
  publish(sut, 0, file("same.txt", 1));
  publish(sut, 1, file("same.txt", 2));
  const auto report = ask<run_report>(sut, ask_report{});
  REQUIRE(report.not_completed.size() == 1);
  const core::error& why = report.not_completed[0].reason;
  CHECK(why.code == core::errc::file_conflict);
  for (const char* word : {"left", "right", "same.txt"})
    CHECK(why.message.find(word) != std::string::npos);
  CHECK(report.conflict.code == core::errc::file_conflict);
  CHECK(report.published.empty());
}

TEST_CASE_METHOD(context_fixture, "the workflow decides what becomes of contradictions",
                 "[actors][dag_context]") {
  auto work = test::work_of(
      {test::shell("left"), test::shell("right"), test::shell("both", "true", {"left", "right"})});
  work.rules.conflicts = core::conflict_policy::rename;
  work.files["old.right.txt"] = {.hash = {0, 9}, .size = 1};
  SECTION("renamed") {
    const auto sut = start(std::move(work));
    publish(sut, 1, file("same.txt", 2));
    publish(sut, 0, file("same.txt", 1));
    auto expected = file("same.txt", 1).written;
    expected.merge(file("same.right.txt", 2).written);
    CHECK(ask<run_report>(sut, ask_report{}).published == expected);
    CHECK(scheduler->offers.back().order.files.written == expected);
  }
  SECTION("not over what was submitted") {
    const auto sut = start(std::move(work));
    publish(sut, 1, file("old.txt", 2));
    publish(sut, 0, file("old.txt", 1));
    CHECK(ask<run_report>(sut, ask_report{}).conflict.message.find("taken by the snapshot")
          != std::string::npos);
  }
  SECTION("the last one wins") {
    work.rules.conflicts = core::conflict_policy::last_wins;
    const auto sut = start(std::move(work));
    publish(sut, 1, file("same.txt", 2));
    publish(sut, 0, file("same.txt", 1));
    CHECK(ask<run_report>(sut, ask_report{}).published == file("same.txt", 1).written);
    CHECK(scheduler->offers.back().order.files.written == file("same.txt", 1).written);
  }
}

TEST_CASE_METHOD(context_fixture, "files that no store may hold fail their attempt",
                 "[actors][dag_context]") {
  const auto sut = start({test::shell("a")});
  publish(sut, 0, file("../outside", 1));
  const auto report = ask<run_report>(sut, ask_report{});
  REQUIRE(report.not_completed.size() == 1);
  CHECK(report.not_completed[0].reason.code == core::errc::malformed);
  CHECK(report.published.empty());
}

TEST_CASE_METHOD(context_fixture, "the status shows the tasks that run longest",
                 "[actors][dag_context]") {
  const auto sut = start({test::shell("a"), test::shell("b"), test::shell("c"), test::shell("d")});
  for (const std::uint64_t task : {2, 1, 0}) {
    const auto attempt = scheduler->attempt_of(task);
    assign(sut, attempt);
    tell(sut, attempt_entered{attempt, core::phase::execute});
    advance(10s);
  }
  const auto status = ask<run_status>(sut, ask_status{.running_max = 2});
  CHECK(status.counts[static_cast<std::size_t>(core::task_state::running)] == 3);
  CHECK(status.counts[static_cast<std::size_t>(core::task_state::queued)] == 1);
  REQUIRE(status.running.size() == 2);
  CHECK(status.running[0].name == "c");
  CHECK(status.running[0].elapsed == 30s);
  CHECK(status.running[0].at == core::phase::execute);
  CHECK(status.running[1].name == "b");
}

TEST_CASE_METHOD(context_fixture, "the report holds what the workflow calls its result",
                 "[actors][dag_context]") {
  auto work = test::work_of({test::shell("a"), test::shell("b")});
  work.result = core::parse_reference("a.output.run").value();
  const auto sut = start(work);
  CHECK(ask<run_report>(sut, ask_report{}).result.empty());
  publish(sut, 0, file("made.txt", 9));
  const auto report = ask<run_report>(sut, ask_report{});
  CHECK(core::decode(report.result) == core::value("done"));
  CHECK(report.published.count("made.txt") == 1);
}

TEST_CASE_METHOD(context_fixture, "a run that ended keeps neither its snapshot nor its secrets",
                 "[actors][dag_context]") {
  auto work = test::work_of({test::shell("a")});
  work.context["key"] = {.content = core::value("s3cret"), .secret = true};
  work.listener = listener.actor;
  auto shared = std::make_shared<const submission>(std::move(work));
  const std::weak_ptr<const submission> watched = shared;
  const auto sut = spawn(dag_context, dag_context_setup{.run = run_number,
                                                        .work = std::move(shared),
                                                        .settings = {},
                                                        .master = master.actor,
                                                        .scheduler = scheduler.actor,
                                                        .journal = journal.actor});
  tell(sut, start_run{});
  publish(sut, 0);
  test::acknowledge(*this, journal);
  REQUIRE(listener->events.size() == 1);
  CHECK(watched.expired());
}

TEST_CASE_METHOD(context_fixture, "a repeated publication counts once", "[actors][dag_context]") {
  const auto sut = start({test::shell("a"), test::shell("b", "true", {"a"})});
  const auto attempt = scheduler->attempt_of(0);
  tell(sut, publish_attempt{attempt, test::output_of("once"), {}});
  tell(sut, publish_attempt{attempt, test::output_of("twice"), {}});
  CHECK(scheduler->offers.size() == 2);
  CHECK(ask<run_report>(sut, ask_report{}).stale_refused == 0);
}

TEST_CASE_METHOD(context_fixture, "the report names the streams that were cut, by task and attempt",
                 "[actors][dag_context]") {
  const auto sut = start({test::shell("talks")});
  const auto attempt = scheduler->attempt_of(0);
  assign(sut, attempt);
  const std::vector<cut_stream> cut{{.stream = "stdout", .total = 100, .kept = 4, .log = "o"}};
  tell(sut, publish_attempt{attempt, test::output_of("done"), {}, {}, cut});
  tell(sut, publish_attempt{attempt, test::output_of("again"), {}, {}, cut});
  const auto report = ask_later<run_report>(sut, ask_report{}).value();
  REQUIRE(report.cut.size() == 1);
  CHECK(report.cut[0].task == "talks");
  CHECK(report.cut[0].attempt == 1);
  CHECK(report.cut[0].what == cut[0]);
}
