#include "support/agent_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using test::agent_fixture;

TEST_CASE_METHOD(agent_fixture, "attempts start as they fit, each in a slot of its own",
                 "[actors][node_agent]") {
  offer({1, 2});
  offer({3}, 2);
  REQUIRE(workers->size() == 2);
  CHECK(started() == list({1, 2}));
  CHECK((*workers)[0]->runs[0].files->bundle().run == run_of_all);
  free(0, 1);
  CHECK(scheduler->ended == list({1}));
  free(1, 2);
  CHECK(workers->size() == 2);
  CHECK((*workers)[0]->runs.size() == 2);
}

TEST_CASE_METHOD(agent_fixture, "the next attempt of a slot is with the worker before it is free",
                 "[actors][node_agent]") {
  offer({1, 2, 3});
  REQUIRE((*workers)[0]->runs.size() == 2);
  CHECK((*workers)[0]->runs[1].order.attempt == test::attempt(3));
  free(0, 1);
  CHECK(scheduler->ended == list({1}));
  stop(3);
  CHECK((*workers)[0]->stops == list({3}));
  free(0, 3);
  CHECK(scheduler->ended == list({1, 3}));
  offer({4});
  CHECK((*workers)[0]->runs.size() == 3);
}

TEST_CASE_METHOD(agent_fixture, "a worker is told which GPUs an attempt has",
                 "[actors][node_agent]") {
  using numbers = std::vector<std::uint32_t>;
  offer({1}, 1, 1);
  offer({2}, 1, 2);
  offer({3});
  offer({4}, 1, 1);
  REQUIRE(workers->size() == 2);
  REQUIRE((*workers)[0]->runs.size() == 2);
  REQUIRE((*workers)[1]->runs.size() == 2);
  CHECK((*workers)[0]->runs[0].gpus == numbers{0});
  CHECK((*workers)[1]->runs[0].gpus == numbers{1, 2});
  CHECK((*workers)[0]->runs[1].gpus.empty());
  CHECK((*workers)[1]->runs[1].gpus == numbers{1});
}

TEST_CASE_METHOD(agent_fixture,
                 "an attempt that could start elsewhere is recalled and starts there",
                 "[actors][node_agent]") {
  offer({1, 2, 3});
  free(1, 2);
  CHECK((*workers)[0]->recalls == list({3}));
  SECTION("given back") {
    give_back(0, 3);
    CHECK((*workers)[1]->runs.size() == 2);
    free(1, 3);
    CHECK(scheduler->ended == list({2, 3}));
  }
  SECTION("begun meanwhile") {
    free(0, 1);
    CHECK((*workers)[1]->runs.size() == 1);
    free(0, 3);
    CHECK(scheduler->ended == list({2, 1, 3}));
  }
  SECTION("failed meanwhile") {
    free(0, 3);
    CHECK(scheduler->ended == list({2, 3}));
  }
  SECTION("of a run that is closed meanwhile") {
    tell(sut, close_run{run_of_all});
    give_back(0, 3);
    CHECK(scheduler->ended == list({2, 3}));
    CHECK((*workers)[1]->runs.size() == 1);
  }
}

TEST_CASE_METHOD(agent_fixture, "nobody is left behind a long attempt", "[actors][node_agent]") {
  offer({1, 2, 3, 4});
  advance(std::chrono::milliseconds(20));
  CHECK((*workers)[0]->recalls.empty());
  advance(std::chrono::milliseconds(20));
  CHECK((*workers)[0]->recalls == list({3}));
  CHECK((*workers)[1]->recalls == list({4}));
  give_back(0, 3);
  give_back(1, 4);
  free(1, 2);
  const auto& runs = (*workers)[1]->runs;
  REQUIRE(runs.size() == 4);
  CHECK(runs[2].order.attempt == test::attempt(3));
  CHECK(runs[3].order.attempt == test::attempt(4));
}

TEST_CASE_METHOD(agent_fixture, "the bundle of a run is asked for once", "[actors][node_agent]") {
  registry->slow = true;
  offer({1});
  offer({2});
  CHECK(registry->asked.size() == 1);
  CHECK(started().empty());
  test::answer_all(*this, registry);
  CHECK(started() == list({1, 2}));
  free(0, 1);
  offer({3});
  CHECK(registry->asked.size() == 1);
}

TEST_CASE_METHOD(agent_fixture, "a run that the registry does not know fails its attempts",
                 "[actors][node_agent]") {
  registry->bundles.clear();
  offer({1, 2});
  REQUIRE(context->lost.size() == 2);
  CHECK(context->lost[0].reason.code == core::errc::not_found);
  CHECK(scheduler->ended == list({1, 2}));
}

TEST_CASE_METHOD(agent_fixture, "a registry that does not answer fails the attempts in time",
                 "[actors][node_agent]") {
  registry->slow = true;
  offer({1});
  advance(std::chrono::seconds(11));
  CHECK(context->lost.size() == 1);
  CHECK(scheduler->ended == list({1}));
}

TEST_CASE_METHOD(agent_fixture, "what the node cannot hold goes back to the scheduler, whole",
                 "[actors][node_agent]") {
  offer({1, 2, 3, 4, 5});
  REQUIRE(scheduler->refused.size() == 1);
  CHECK(scheduler->refused[0].order.attempt == test::attempt(5));
  CHECK(scheduler->refused[0].order.context == context.actor);
  CHECK(scheduler->refused[0].free.cpu_millis == 0);
  CHECK_FALSE(scheduler->refused[0].draining);
  offer({6}, 9);
  CHECK(scheduler->refused.size() == 2);
}

TEST_CASE_METHOD(agent_fixture, "a stop reaches the worker, and the slot is free when that says so",
                 "[actors][node_agent]") {
  offer({1, 2});
  offer({3}, 2);
  stop(1);
  stop(2);
  CHECK((*workers)[0]->stops == list({1}));
  CHECK(scheduler->ended.empty());
  free(1, 2);
  CHECK(started().size() == 2);
  free(0, 1);
  CHECK(scheduler->ended == list({2, 1}));
  CHECK(started().size() == 3);
}

TEST_CASE_METHOD(agent_fixture, "an attempt that is stopped while it waits never starts",
                 "[actors][node_agent]") {
  SECTION("for a slot") {
    offer({1, 2});
    offer({3}, 2);
  }
  SECTION("for the bundle of its run") {
    registry->slow = true;
    offer({1, 2, 3});
  }
  stop(3);
  CHECK(scheduler->ended == list({3}));
  test::answer_all(*this, registry);
  free(0, 1);
  CHECK(started() == list({1, 2}));
}

TEST_CASE_METHOD(agent_fixture, "a stop that comes too late changes nothing",
                 "[actors][node_agent]") {
  offer({1});
  free(0, 1);
  offer({2});
  stop(1);
  CHECK((*workers)[0]->stops.empty());
  free(0, 1);
  CHECK(std::count(scheduler->ended.begin(), scheduler->ended.end(), test::attempt(2)) == 0);
}

TEST_CASE_METHOD(agent_fixture, "a worker that dies fails its attempt, and a fresh one takes over",
                 "[actors][node_agent]") {
  offer({1, 2});
  offer({3}, 2);
  kill((*workers)[0].actor);
  REQUIRE(context->lost.size() == 1);
  CHECK(context->lost[0].attempt == test::attempt(1));
  CHECK(context->lost[0].reason.code == core::errc::worker_crash);
  CHECK(scheduler->ended == list({1}));
  free(1, 2);
  REQUIRE(workers->size() == 3);
  CHECK((*workers)[2]->runs.at(0).order.attempt == test::attempt(3));
}

TEST_CASE_METHOD(agent_fixture, "a worker that dies fails both attempts of its slot",
                 "[actors][node_agent]") {
  offer({1, 2, 3, 4});
  kill((*workers)[0].actor);
  CHECK(context->lost.size() == 2);
  CHECK(scheduler->ended == list({3, 1}));
  CHECK((*workers)[1]->recalls == list({4}));
  give_back(1, 4);
  REQUIRE(workers->size() == 3);
  CHECK((*workers)[2]->runs.at(0).order.attempt == test::attempt(4));
  free(0, 4);
  CHECK(scheduler->ended == list({3, 1, 4}));
}

TEST_CASE_METHOD(agent_fixture, "an idle worker that dies fails nothing", "[actors][node_agent]") {
  offer({1});
  free(0, 1);
  kill((*workers)[0].actor);
  CHECK(context->lost.empty());
  offer({2});
  CHECK(workers->size() == 2);
}

TEST_CASE_METHOD(agent_fixture, "data that nobody needs is dropped by who keeps it",
                 "[actors][node_agent]") {
  auto dropped = std::make_shared<std::vector<core::run_id>>();
  const auto logs = spawn([dropped](log_actor::pointer) {
    return log_actor::behavior_type{
        [](const read_log&) { return log_piece{}; },
        [dropped](const drop_logs& msg) { *dropped = msg.runs; },
    };
  });
  const auto agent = spawn(
      node_agent,
      node_agent_setup{.slots = {.total = {.cpu_millis = 2000}},
                       .scheduler = scheduler.actor,
                       .registry = registry.actor,
                       .blobs = io::blob_store::open(folder / "own", {.durable = false}).value(),
                       .runs_root = folder / "runs",
                       .logs = logs});
  // Without a file sync its store is the master's, who has removed the blobs himself.
  tell(agent, core::drop_data{.runs = {run_of_all}, .blobs = {{1, 2}}});
  CHECK(*dropped == std::vector{run_of_all});
}
