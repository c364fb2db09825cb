#include "maze/core/scheduler.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

constexpr resources core{.cpu_millis = 1000, .memory = {}, .gpus = 0};
resources cores(std::uint32_t n) { return {.cpu_millis = n * 1000, .memory = {}, .gpus = 0}; }

ready_task task(std::uint64_t n, resources needs = core, std::int32_t priority = 0) {
  return {.run = run_id{1},
          .task = task_id{n},
          .attempt = {1, n},
          .needs = needs,
          .priority = priority,
          .local_bytes = {}};
}
assign placed(std::uint64_t n, std::uint64_t node) {
  return {run_id{1}, task_id{n}, {1, n}, node_id{node}};
}
using actions = scheduling_actions;

scheduler cluster(std::initializer_list<std::uint32_t> nodes, scheduler::options settings = {}) {
  scheduler made(settings);
  std::uint64_t id = 1;
  for (const auto size : nodes)
    made.node_joined(node_id{id++}, cores(size));
  return made;
}

} // namespace

TEST_CASE("a task goes to the node with the fewest active attempts", "[core][scheduler]") {
  auto sut = cluster({2, 2});
  CHECK(sut.submit(task(1)) == actions{placed(1, 1)});
  CHECK(sut.submit(task(2)) == actions{placed(2, 2)});
  CHECK(sut.submit({task(3), task(4), task(5)}) == actions{placed(3, 1), placed(4, 2)});
  CHECK(sut.waiting() == 1);
  CHECK(sut.active() == 4);
  CHECK(sut.attempt_ended({1, 2}) == actions{placed(5, 2)});
  sut.check_invariants();
}

TEST_CASE("among equally busy nodes the one with most local bytes wins", "[core][scheduler]") {
  auto sut = cluster({1, 1, 1});
  auto local = task(1);
  local.local_bytes = {{node_id{2}, 10}, {node_id{3}, 20}, {node_id{77}, 99}};
  CHECK(sut.submit(local) == actions{placed(1, 3)});
  auto again = task(2);
  again.local_bytes = {{node_id{3}, 20}};
  CHECK(sut.submit(again) == actions{placed(2, 1)});
  sut.check_invariants();
}

TEST_CASE("a larger priority goes first, then who was ready first", "[core][scheduler]") {
  auto sut = cluster({1});
  sut.submit(task(1));
  sut.submit({task(2), task(3, core, 5), task(4, core, 5), task(5, cores(1), -3)});
  CHECK(sut.attempt_ended({1, 1}) == actions{placed(3, 1)});
  CHECK(sut.attempt_ended({1, 3}) == actions{placed(4, 1)});
  CHECK(sut.attempt_ended({1, 4}) == actions{placed(2, 1)});
  CHECK(sut.attempt_ended({1, 2}) == actions{placed(5, 1)});
  sut.check_invariants();
}

TEST_CASE("equal priorities of different shapes go by age", "[core][scheduler]") {
  auto sut = cluster({2});
  sut.submit(task(1, cores(2)));
  sut.submit(task(2, cores(1)));
  sut.submit(task(3, cores(2)));
  sut.submit(task(4, cores(1)));
  CHECK(sut.attempt_ended({1, 1}) == actions{placed(2, 1), placed(4, 1)});
  sut.attempt_ended({1, 2});
  CHECK(sut.attempt_ended({1, 4}) == actions{placed(3, 1)});
  sut.check_invariants();
}

TEST_CASE("a task that does not fit now does not block a smaller one", "[core][scheduler]") {
  auto sut = cluster({2});
  sut.submit(task(1));
  CHECK(sut.submit(task(2, cores(2))).empty());
  CHECK(sut.submit(task(3)) == actions{placed(3, 1)});
  sut.check_invariants();
}

TEST_CASE("what no node could ever run is rejected with the reason", "[core][scheduler]") {
  auto sut = cluster({2, 4});
  const auto answer = sut.submit(task(1, cores(5)));
  REQUIRE(answer.size() == 1);
  const auto& rejected = std::get<reject>(answer.front());
  CHECK(rejected.attempt == attempt_id{1, 1});
  CHECK(rejected.reason.code == errc::unschedulable);
  CHECK(rejected.reason.message.find("5 cores") != std::string::npos);
  CHECK(sut.submit(task(2, cores(4))) == actions{placed(2, 2)});
  sut.check_invariants();
}

TEST_CASE("tasks wait while no node is known", "[core][scheduler]") {
  auto sut = cluster({});
  CHECK(sut.submit({task(1), task(2, cores(9))}).empty());
  const auto answer = sut.node_joined(node_id{1}, cores(1));
  REQUIRE(answer.size() == 2);
  CHECK(std::get<reject>(answer[0]).attempt == attempt_id{1, 2});
  CHECK(answer[1] == scheduling_action{placed(1, 1)});
  sut.check_invariants();
}

TEST_CASE("a task that was taken back is not placed", "[core][scheduler]") {
  auto sut = cluster({1});
  sut.submit({task(1), task(2), task(3)});
  CHECK(sut.attempt_ended({1, 2}).empty());
  CHECK(sut.attempts_ended({{1, 1}, {1, 1}, {9, 9}}) == actions{placed(3, 1)});
  CHECK(sut.submit(task(3)).empty());
  CHECK(sut.attempt_ended({1, 3}).empty());
  CHECK(sut.active() == 0);
  sut.check_invariants();
}

TEST_CASE("a task goes only where its sandbox can be had", "[core][scheduler]") {
  scheduler sut{{}};
  sut.node_joined(node_id{1}, cores(4));
  sut.node_joined(node_id{2}, cores(1), {.sealed = true, .variables = {"TOKEN"}});
  auto sealed = task(1);
  sealed.sandbox.sealed = true;
  CHECK(sut.submit(sealed) == actions{placed(1, 2)});
  CHECK(sut.submit(task(2)) == actions{placed(2, 1)});
  // The other node is free and cannot give it: it waits.
  auto next = task(3);
  next.sandbox = {.sealed = true, .variables = {"TOKEN"}};
  CHECK(sut.submit(next).empty());
  CHECK(sut.submit(task(4)) == actions{placed(4, 1)});
  sut.check_invariants();
  CHECK(sut.attempt_ended({1, 1}) == actions{placed(3, 2)});
  sut.check_invariants();
}

TEST_CASE("bytes of files draw no task to a node that cannot give its sandbox",
          "[core][scheduler]") {
  scheduler sut{{}};
  sut.node_joined(node_id{1}, cores(2));
  sut.node_joined(node_id{2}, cores(2), {.sealed = true});
  auto sealed = task(1);
  sealed.sandbox.sealed = true;
  sealed.local_bytes = {{node_id{1}, 1000}};
  CHECK(sut.submit(sealed) == actions{placed(1, 2)});
}

TEST_CASE("a sandbox that no node can give is refused, and waits while no node is known",
          "[core][scheduler]") {
  scheduler sut{{}};
  auto sealed = task(1);
  sealed.sandbox.sealed = true;
  CHECK(sut.submit(sealed).empty());
  const auto answer = sut.node_joined(node_id{1}, cores(1));
  REQUIRE(answer.size() == 1);
  CHECK(std::get<reject>(answer.front()).reason.code == errc::unschedulable);
  CHECK_THAT(std::get<reject>(answer.front()).reason.message, Catch::Contains("level seccomp"));
  CHECK(sut.waiting() == 0);
  // A node with the level but without the room, beside one with the room but without the level.
  sut.node_joined(node_id{2}, {.cpu_millis = 500, .memory = {}, .gpus = 0}, {.sealed = true});
  sealed.attempt = {1, 2};
  const auto apart = sut.submit(sealed);
  REQUIRE(apart.size() == 1);
  CHECK_THAT(std::get<reject>(apart.front()).reason.message, Catch::Contains("at once"));
  sut.check_invariants();
}

TEST_CASE("a task goes only to nodes with its labels", "[core][scheduler]") {
  scheduler sut{{}};
  sut.node_joined(node_id{1}, cores(4), {}, {{"platform", "linux"}});
  sut.node_joined(node_id{2}, cores(1), {}, {{"platform", "android"}, {"role", "mobile"}});
  auto mobile = task(1);
  mobile.labels = {{"role", "mobile"}, {"platform", "android"}};
  // Files draw it nowhere else.
  mobile.local_bytes = {{node_id{1}, 1000}};
  CHECK(sut.submit(mobile) == actions{placed(1, 2)});
  auto next = task(2);
  next.labels = {{"role", "mobile"}};
  CHECK(sut.submit(next).empty());
  CHECK(sut.submit(task(3)) == actions{placed(3, 1)});
  sut.check_invariants();
  CHECK(sut.attempt_ended({1, 1}) == actions{placed(2, 2)});
  sut.check_invariants();
}

TEST_CASE("a label that no node has is refused by its name, also once the node has lost it",
          "[core][scheduler]") {
  scheduler sut{{}};
  sut.node_joined(node_id{1}, cores(1), {}, {{"disk", "ssd"}});
  sut.node_joined(node_id{2}, cores(4), {}, {{"site", "left"}});
  const auto told = [](const actions& answer) {
    REQUIRE(answer.size() == 1);
    return std::get<reject>(answer.front()).reason.message;
  };
  auto asking = task(1);
  asking.labels = {{"disk", "ssd"}, {"room", "b12"}};
  CHECK_THAT(told(sut.submit(asking)), Catch::Contains("label room=b12, which none has"));
  asking.labels = {{"disk", "ssd"}, {"site", "left"}};
  CHECK_THAT(told(sut.submit(asking)), Catch::Contains("label disk=ssd, label site=left at once"));
  auto large = task(1, cores(2));
  large.labels = {{"disk", "ssd"}};
  CHECK_THAT(told(sut.submit(large)), Catch::Contains("2 cores, label disk=ssd at once"));
  sut.submit(task(2));
  sut.submit(task(3, cores(4)));
  asking.labels = {{"disk", "ssd"}};
  CHECK(sut.submit(asking) == actions{});
  CHECK_THAT(told(sut.node_joined(node_id{1}, cores(1), {}, {{"disk", "tape"}})),
             Catch::Contains("label disk=ssd"));
  sut.check_invariants();
}

TEST_CASE("what a draining node gives back is refused where it alone could have run it",
          "[core][scheduler]") {
  scheduler sut{{.prefetch = 2}};
  sut.node_joined(node_id{1}, cores(1), {}, {{"disk", "ssd"}});
  sut.node_joined(node_id{2}, cores(1));
  for (std::uint64_t n = 1; n <= 3; ++n) {
    auto asking = task(n);
    asking.labels = {{"disk", "ssd"}};
    CHECK(sut.submit(asking) == actions{placed(n, 1)});
  }
  CHECK(sut.node_drained(node_id{1}).empty());
  const auto answer = sut.refused({1, 2}, {});
  REQUIRE(answer.size() == 1);
  CHECK(std::get<reject>(answer.front()).attempt == attempt_id{1, 2});
  CHECK_THAT(std::get<reject>(answer.front()).reason.message,
             Catch::Contains("label disk=ssd, which only nodes have that get no new tasks"));
  sut.check_invariants();
  // Of nobody it is known that it could not.
  sut.node_drained(node_id{2});
  CHECK(sut.refused({1, 3}, {}).empty());
  CHECK(sut.waiting() == 1);
  sut.check_invariants();
}

TEST_CASE("parts that no node has at once are told without what each node has",
          "[core][scheduler]") {
  scheduler sut{{}};
  sut.node_joined(node_id{1}, cores(2), {.sealed = true}, {{"disk", "ssd"}});
  sut.node_joined(node_id{2}, cores(2), {.sealed = true, .variables = {"A"}});
  auto asking = task(1);
  asking.labels = {{"disk", "ssd"}};
  asking.sandbox = {.sealed = true, .variables = {"A"}};
  const auto answer = sut.submit(asking);
  REQUIRE(answer.size() == 1);
  CHECK_THAT(std::get<reject>(answer.front()).reason.message,
             Catch::StartsWith("no node has variable A, label disk=ssd at once"));
}

TEST_CASE("a node that comes back with less gives up what only it could serve",
          "[core][scheduler]") {
  scheduler sut{{}};
  sut.node_joined(node_id{1}, cores(1), {.cpu_shares = true});
  sut.submit(task(1));
  auto shared = task(2);
  shared.sandbox.cpu_shares = true;
  CHECK(sut.submit(shared).empty());
  const auto answer = sut.node_joined(node_id{1}, cores(1));
  REQUIRE(answer.size() == 1);
  CHECK(std::get<reject>(answer.front()).attempt == attempt_id{1, 2});
}
