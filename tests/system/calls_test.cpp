// Calls by the thousand through a master and two worker nodes, of which something is killed on the way.

#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "support/calls_cluster.hpp"
#include "support/cluster_folder.hpp"
#include "support/eventually.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <functional>
#include <random>
#include <set>
#include <thread>

using namespace maze;

namespace {

test::calls_cluster::options plain(bool secure = false) {
  return {secure, MAZE_BIN_DIR, MAZE_BIN_DIR "/../lib/libtask_plain.so", "plain"};
}

core::call_plan adding() {
  core::call_plan out;
  out.functions = {{"add", core::function_action{"plain", "add"}}};
  return out;
}

/// Each call adds 1 to a number, every fourth to the result of the one before. Hands in all of them, then `disturb`s, then
/// looks at every result.
void add_up(test::calls_cluster& nodes, std::uint32_t count, const std::function<void()>& disturb) {
  const auto calls = nodes.open(adding());
  // Joins also where a rule below breaks: then the nodes end and are not left behind.
  std::jthread sender([&] {
    for (std::uint32_t i = 0; i < count; ++i) {
      const bool behind = i % 4 != 0;
      const auto arguments = core::encode(core::list{behind ? core::value(core::result_of(i - 1))
                                                            : core::value(std::int64_t{i}),
                                                     core::value(1)})
                                 .value();
      if (!calls->call(0, arguments,
                       behind ? core::placeholders_in(arguments).value()
                              : std::vector<core::call_dependency>{}))
        return;
    }
    static_cast<void>(calls->close());
  });
  std::set<core::call_number> ended;
  bool disturbed = false;
  while (ended.size() < count) {
    const auto results = calls->next(std::chrono::seconds(60));
    REQUIRE(results);
    REQUIRE_FALSE(results->message.empty());
    results->for_each([&](core::call_number call, bool returned, std::string_view payload) {
      INFO("call " << call << (returned ? "" : ": ") << (returned ? "" : payload));
      REQUIRE(ended.insert(call).second);
      REQUIRE(returned);
      REQUIRE(core::decode(payload).value()
              == core::value(std::int64_t{call - call % 4} + 1 + call % 4));
    });
    if (!disturbed && ended.size() > count / 10) {
      disturbed = true;
      disturb();
    }
  }
  sender.join();
  CHECK(calls->next(std::chrono::seconds(60))->message.empty());
  REQUIRE(calls->over());
  CHECK(calls->over()->completed == count);
}

/// The points of the campaign are shared by the three victims.
int points_for_calls() { return test::points("MAZE_KILL_POINTS", 6) / 3; }

} // namespace

TEST_CASE("calls and their results go over TLS", "[system][calls]") {
  test::calls_cluster nodes(plain(true));
  add_up(nodes, 4'000, [] {});
}

TEST_CASE("children are ready before the first call, and are there again where they die",
          "[system][calls]") {
  test::calls_cluster nodes(plain());
  core::call_plan plan = adding();
  plan.lanes_min = 2;
  const auto calls = nodes.open(std::move(plan));
  const auto ready = [&](std::size_t which) { return nodes.below_worker(which, "maze-host"); };
  REQUIRE(test::eventually([&] { return ready(0) > 0 && ready(1) > 0; }));
  const int first = ready(1);
  ::kill(first, SIGKILL);
  CHECK(test::eventually([&] { return ready(1) > 0 && ready(1) != first; }));
  REQUIRE(calls->call(0, core::encode(core::list{1, 2}).value()));
  REQUIRE(calls->close());
  CHECK(calls->next(std::chrono::seconds(60))->count() == 1);
}

TEST_CASE("a client that comes later gets the results that the one before did not use",
          "[system][calls]") {
  test::calls_cluster nodes(plain());
  const auto run = nodes.start(adding());
  constexpr std::uint32_t count = 1'000;
  {
    const auto first = nodes.session().open_calls(run);
    REQUIRE(first);
    for (std::uint32_t i = 0; i < count; ++i)
      REQUIRE((*first)->call(0, core::encode(core::list{std::int64_t{i}, 1}).value()));
    REQUIRE((*first)->flush());
    REQUIRE(test::eventually([&] { return (*first)->taken() == count; }));
    CHECK((*first)->next(std::chrono::seconds(60))->count() > 0);
  }
  const auto second = nodes.session().open_calls(run);
  REQUIRE(second);
  CHECK((*second)->taken() == count);
  REQUIRE((*second)->close());
  std::set<core::call_number> ended;
  while (ended.size() < count) {
    const auto results = (*second)->next(std::chrono::seconds(60));
    REQUIRE(results);
    REQUIRE_FALSE(results->message.empty());
    results->for_each([&](core::call_number call, bool returned, std::string_view payload) {
      REQUIRE(returned);
      REQUIRE(ended.insert(call).second);
      REQUIRE(core::decode(payload).value() == core::value(std::int64_t{call} + 1));
    });
  }
}

TEST_CASE("every call ends once and right where a worker node is killed", "[system][calls][kill]") {
  test::calls_cluster nodes(plain());
  const int seed = GENERATE(range(0, points_for_calls()));
  INFO("seed = " << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  add_up(nodes, 20'000 + static_cast<std::uint32_t>(random() % 20'000), [&] {
    const std::size_t which = random() % 2;
    ::kill(nodes.worker(which), SIGKILL);
    nodes.start_again(which);
  });
}

TEST_CASE("every call ends once and right where maze-init or a child is killed",
          "[system][calls][kill]") {
  test::calls_cluster nodes(plain());
  const std::string victim = GENERATE("maze-init", "maze-host");
  const int seed = GENERATE(range(0, points_for_calls()));
  INFO(victim << ", seed = " << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  add_up(nodes, 20'000 + static_cast<std::uint32_t>(random() % 20'000), [&] {
    if (const int pid = nodes.below_worker(random() % 2, victim); pid > 0)
      ::kill(pid, SIGKILL);
  });
}
