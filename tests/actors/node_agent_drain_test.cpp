#include "support/agent_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using test::agent_fixture;

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
