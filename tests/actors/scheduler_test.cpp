#include "maze/actors/scheduler.hpp"

#include "support/builders.hpp"
#include "support/fake_actors.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;

namespace {

struct scheduler_fixture : test::actor_fixture {
  scheduler_actor sut = spawn(scheduler, core::scheduler::options{});
  test::recording_context context = test::spawn_context(*this);

  test::recording_node_agent join(std::uint64_t node, std::uint32_t cores = 1) {
    auto agent = test::spawn_node_agent(*this);
    tell(sut, join_scheduler{core::node_id{node}, {.cpu_millis = cores * 1000}, agent.actor});
    return agent;
  }
  void offer(const std::vector<std::uint64_t>& attempts, std::uint32_t cores = 1) {
    offer_tasks msg;
    for (const std::uint64_t counter : attempts) {
      const core::resources needs{.cpu_millis = cores * 1000};
      msg.tasks.push_back({.task = {.run = run_of_all,
                                    .task = core::task_id{counter},
                                    .attempt = test::attempt(counter),
                                    .needs = needs},
                           .order = {{.run = run_of_all,
                                      .task = core::task_id{counter},
                                      .attempt = test::attempt(counter),
                                      .needs = needs,
                                      .outputs = {{"before", "value"}}},
                                     context.actor},
                           .context = context.actor});
    }
    tell(sut, std::move(msg));
  }
  void end(std::uint64_t counter) { tell(sut, attempts_ended{{test::attempt(counter)}}); }
  void stop(std::uint64_t counter) { tell(sut, stop_attempts{{test::attempt(counter)}}); }

  core::run_id run_of_all{7};
};

} // namespace

TEST_CASE_METHOD(scheduler_fixture, "a ready task goes to a node, and its run hears where it is",
                 "[actors][scheduler]") {
  const auto node = join(1);
  offer({1});
  REQUIRE(node->orders.size() == 1);
  CHECK(node->orders[0].attempt == test::attempt(1));
  CHECK(node->orders[0].outputs.at("before") == "value");
  REQUIRE(context->assigned.size() == 1);
  CHECK(context->assigned[0].node == core::node_id{1});
  CHECK(context->assigned[0].attempts == std::vector<core::attempt_id>{test::attempt(1)});
}

TEST_CASE_METHOD(scheduler_fixture, "tasks wait for a node, and then go in one message",
                 "[actors][scheduler]") {
  offer({1, 2, 3});
  CHECK(context->heard.empty());
  const auto node = join(1, 3);
  CHECK(node->orders.size() == 3);
  CHECK(context->assigned.size() == 1);
}

TEST_CASE_METHOD(scheduler_fixture, "a task that no node could ever hold is lost, with the reason",
                 "[actors][scheduler]") {
  join(1, 1);
  offer({1}, 9);
  REQUIRE(context->lost.size() == 1);
  CHECK(context->lost[0].reason.code == core::errc::unschedulable);
}

TEST_CASE_METHOD(scheduler_fixture, "what ends makes room for what waits", "[actors][scheduler]") {
  const auto node = join(1);
  offer({1, 2});
  CHECK(node->orders.size() == 1);
  end(1);
  REQUIRE(node->orders.size() == 2);
  CHECK(node->orders[1].attempt == test::attempt(2));
}

TEST_CASE_METHOD(scheduler_fixture, "a task that is stopped while it waits never starts",
                 "[actors][scheduler]") {
  const auto node = join(1);
  offer({1, 2, 3});
  stop(2);
  CHECK(node->stops.empty());
  end(1);
  end(2);
  REQUIRE(node->orders.size() == 2);
  CHECK(node->orders[1].attempt == test::attempt(3));
}

TEST_CASE_METHOD(scheduler_fixture,
                 "a task that is stopped while it runs keeps its room until it ended",
                 "[actors][scheduler]") {
  const auto node = join(1);
  offer({1, 2});
  stop(1);
  CHECK(node->stops == std::vector<core::attempt_id>{test::attempt(1)});
  CHECK(node->orders.size() == 1);
  end(1);
  CHECK(node->orders.size() == 2);
  stop(1);
  CHECK(node->stops.size() == 1);
}

TEST_CASE_METHOD(scheduler_fixture, "a refused attempt waits with its whole order",
                 "[actors][scheduler]") {
  const auto node = join(1, 2);
  offer({1, 2});
  REQUIRE(node->orders.size() == 2);
  tell(sut, attempt_refused{node->orders[1], {}, false});
  CHECK(node->orders.size() == 2);
  end(1);
  REQUIRE(node->orders.size() == 3);
  CHECK(node->orders[2].attempt == test::attempt(2));
  CHECK(node->orders[2].outputs.at("before") == "value");
  CHECK(node->orders[2].context == context.actor);
}

TEST_CASE_METHOD(scheduler_fixture, "a stop that meets a refusal on its way still counts",
                 "[actors][scheduler]") {
  const auto node = join(1);
  offer({1});
  stop(1);
  tell(sut, attempt_refused{node->orders.at(0), {.cpu_millis = 1000}, false});
  const auto other = join(2);
  CHECK(node->orders.size() == 1);
  CHECK(other->orders.empty());
  end(1);
  offer({2, 3});
  CHECK(node->orders.size() + other->orders.size() == 3);
}

TEST_CASE_METHOD(scheduler_fixture, "a node that drains gets nothing more", "[actors][scheduler]") {
  const auto draining = join(1, 2);
  offer({1, 2});
  tell(sut, attempt_refused{draining->orders.at(1), {.cpu_millis = 1000}, true});
  end(1);
  CHECK(draining->orders.size() == 2);
  const auto other = join(2, 1);
  REQUIRE(other->orders.size() == 1);
  CHECK(other->orders[0].attempt == test::attempt(2));
}

TEST_CASE_METHOD(scheduler_fixture, "a run hears of a lost node after all that was sent there",
                 "[actors][scheduler]") {
  const auto node = join(1, 2);
  caf::anon_send(sut, node_gone{core::node_id{9}});
  offer({1});
  // Its agent died, or the master says so; whoever comes second tells nothing new.
  if (GENERATE(true, false))
    kill(node.actor);
  tell(sut, node_gone{core::node_id{1}});
  CHECK(context->heard == std::vector<std::string>{"assigned", "node_gone"});
  CHECK(context->gone == std::vector<core::node_id>{core::node_id{1}});
}

TEST_CASE_METHOD(scheduler_fixture, "an answer from a lost node disturbs nobody",
                 "[actors][scheduler]") {
  const auto lost = join(1);
  offer({1});
  tell(sut, node_gone{core::node_id{1}});
  tell(sut, attempt_refused{lost->orders.at(0), {.cpu_millis = 1000}, false});
  end(1);
  const auto other = join(2);
  CHECK(other->orders.empty());
  offer({2});
  CHECK(other->orders.size() == 1);
}

TEST_CASE_METHOD(scheduler_fixture, "a run that ended hears nothing any more",
                 "[actors][scheduler]") {
  join(1);
  offer({1});
  end(1);
  tell(sut, close_run{run_of_all});
  tell(sut, node_gone{core::node_id{1}});
  CHECK(context->gone.empty());
}
