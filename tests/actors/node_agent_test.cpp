#include "maze/actors/node_agent.hpp"

#include "support/builders.hpp"
#include "support/fake_actors.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace maze;
using namespace maze::actors;

namespace {

struct agent_fixture : test::actor_fixture {
  agent_fixture() { registry->bundles[run_of_all] = test::bundle_of(run_of_all, test::diamond()); }

  void offer(const std::vector<std::uint64_t>& attempts, std::uint32_t cores = 1,
             std::uint32_t gpus = 0) {
    run_attempts msg;
    for (const std::uint64_t counter : attempts)
      msg.orders.push_back({{.run = run_of_all,
                             .task = core::task_id{0},
                             .attempt = test::attempt(counter),
                             .needs = {.cpu_millis = cores * 1000, .memory = {}, .gpus = gpus}},
                            context.actor});
    tell(sut, std::move(msg));
  }
  void stop(std::uint64_t counter) { tell(sut, stop_attempts{{test::attempt(counter)}}); }
  void free(std::uint64_t slot, std::uint64_t counter) {
    tell(sut, slot_free{core::slot_id{slot}, test::attempt(counter)});
  }
  /// The worker of the slot gives a lined-up attempt back.
  void give_back(std::uint64_t slot, std::uint64_t counter) {
    for (const auto& run : (*workers)[slot]->runs)
      if (run.order.attempt == test::attempt(counter))
        return tell(sut, attempt_returned{core::slot_id{slot}, run.order});
    FAIL("the worker does not have attempt " << counter);
  }
  /// Attempts that workers were told to run, in order.
  std::vector<core::attempt_id> started() const {
    std::vector<core::attempt_id> out;
    for (const auto& worker : *workers)
      for (const auto& run : worker->runs)
        out.push_back(run.order.attempt);
    return out;
  }
  static std::vector<core::attempt_id> list(const std::vector<std::uint64_t>& counters) {
    std::vector<core::attempt_id> out;
    for (const std::uint64_t counter : counters)
      out.push_back(test::attempt(counter));
    return out;
  }

  core::run_id run_of_all{7};
  test::scratch_dir folder;
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::memory_registry registry = test::spawn_registry(*this);
  test::recording_context context = test::spawn_context(*this);
  std::shared_ptr<std::vector<test::recording_worker>> workers =
      std::make_shared<std::vector<test::recording_worker>>();
  local_agent_actor sut =
      spawn(node_agent,
            node_agent_setup{
                .slots = {.total = {.cpu_millis = 2000, .memory = {}, .gpus = 3}, .waiting_max = 2},
                .scheduler = scheduler.actor,
                .registry = registry.actor,
                .spawn_worker =
                    [this](core::slot_id, const local_agent_actor&) {
                      workers->push_back(test::spawn_worker(*this));
                      return workers->back().actor;
                    },
                .blobs = io::blob_store::open(folder / "store", {.durable = false}).value(),
                .runs_root = folder / "runs"});
};

} // namespace

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

TEST_CASE_METHOD(agent_fixture, "a drained node answers when its last child is gone",
                 "[actors][node_agent]") {
  offer({1, 2});
  const auto drained = ask_later<bool>(sut, drain_node{});
  CHECK(drained.pending());
  CHECK((*workers)[0]->stops == list({1}));
  CHECK((*workers)[1]->stops == list({2}));
  free(0, 1);
  CHECK(drained.pending());
  SECTION("freed") { free(1, 2); }
  SECTION("or crashed") { kill((*workers)[1].actor); }
  CHECK(drained.value());
}

TEST_CASE_METHOD(agent_fixture, "an idle node is drained at once", "[actors][node_agent]") {
  CHECK(ask<bool>(sut, drain_node{}));
  offer({1});
  REQUIRE(scheduler->refused.size() == 1);
  CHECK(scheduler->refused[0].draining);
  CHECK(started().empty());
}

TEST_CASE_METHOD(agent_fixture, "a node that drains gives back what waits there",
                 "[actors][node_agent]") {
  offer({1, 2});
  SECTION("for its resources") {
    offer({3}, 2);
    const auto drained = ask_later<bool>(sut, drain_node{});
    REQUIRE(scheduler->refused.size() == 1);
    CHECK(scheduler->refused[0].order.attempt == test::attempt(3));
    CHECK(scheduler->refused[0].draining);
    free(0, 1);
    free(1, 2);
    CHECK(drained.value());
    CHECK(started() == list({1, 2}));
  }
  SECTION("lined up") {
    offer({3});
    const auto drained = ask_later<bool>(sut, drain_node{});
    CHECK((*workers)[0]->recalls == list({3}));
    CHECK((*workers)[0]->stops == list({1}));
    give_back(0, 3);
    REQUIRE(scheduler->refused.size() == 1);
    CHECK(scheduler->refused[0].order.attempt == test::attempt(3));
    CHECK(scheduler->refused[0].draining);
    free(0, 1);
    free(1, 2);
    CHECK(drained.value());
  }
  SECTION("lined up, unless it begins meanwhile") {
    offer({3});
    const auto drained = ask_later<bool>(sut, drain_node{});
    free(0, 1);
    free(1, 2);
    CHECK((*workers)[0]->stops == list({1, 3}));
    CHECK(drained.pending());
    free(0, 3);
    CHECK(drained.value());
    CHECK(scheduler->refused.empty());
  }
}

TEST_CASE_METHOD(agent_fixture, "a run that is closed early leaves nothing waiting",
                 "[actors][node_agent]") {
  SECTION("for a slot") {
    offer({1, 2});
    offer({3}, 2);
    tell(sut, close_run{run_of_all});
    CHECK(scheduler->ended == list({3}));
    free(0, 1);
    CHECK(started() == list({1, 2}));
  }
  SECTION("behind another one") {
    offer({1, 2, 3});
    tell(sut, close_run{run_of_all});
    CHECK((*workers)[0]->stops == list({3}));
    free(0, 3);
    CHECK(scheduler->ended == list({3}));
  }
  SECTION("for its bundle") {
    registry->slow = true;
    offer({1, 2});
    tell(sut, close_run{run_of_all});
    test::answer_all(*this, registry);
    CHECK(scheduler->ended == list({1, 2}));
    CHECK(started().empty());
  }
  registry->bundles[core::run_id{8}] = test::bundle_of(core::run_id{8}, test::diamond());
  run_of_all = core::run_id{8};
  offer({9});
  CHECK(std::count(scheduler->ended.begin(), scheduler->ended.end(), test::attempt(9)) == 0);
  CHECK(scheduler->refused.empty());
}

TEST_CASE_METHOD(agent_fixture, "whoever waits for a drain hears when the agent ends",
                 "[actors][node_agent]") {
  offer({1});
  const auto drained = ask_later<bool>(sut, drain_node{});
  caf::anon_send_exit(sut, caf::exit_reason::user_shutdown);
  run();
  CHECK_FALSE(drained.pending());
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
