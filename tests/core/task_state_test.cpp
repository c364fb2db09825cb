#include "maze/core/task_state.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace maze::core;

namespace {

template <class State>
void check_every_pair(const std::set<std::pair<State, State>>& allowed,
                      std::span<const State> states) {
  for (const auto from : states)
    for (const auto to : states) {
      INFO(to_string(from) << " -> " << to_string(to));
      CHECK(may_become(from, to) == (allowed.count({from, to}) != 0));
    }
}

} // namespace

TEST_CASE("a task changes state as the table says and in no other way", "[core][task_state]") {
  using enum task_state;
  const std::set<std::pair<task_state, task_state>> allowed{
      {pending, queued},  {pending, failed},    {pending, cancelled},  {queued, assigned},
      {queued, failed},   {queued, cancelled},  {queued, timeout},     {assigned, running},
      {assigned, queued}, {assigned, failed},   {assigned, cancelled}, {assigned, timeout},
      {running, queued},  {running, completed}, {running, failed},     {running, cancelled},
      {running, timeout},
  };
  REQUIRE(all_task_states().size() == 8);
  check_every_pair<task_state>(allowed, all_task_states());
}

TEST_CASE("a run changes state as the table says and in no other way", "[core][task_state]") {
  using enum run_state;
  const std::set<std::pair<run_state, run_state>> allowed{
      {accepted, running},  {accepted, cancelling}, {running, cancelling},
      {running, completed}, {running, failed},      {cancelling, cancelled},
  };
  REQUIRE(all_run_states().size() == 6);
  check_every_pair<run_state>(allowed, all_run_states());
}

TEST_CASE("nothing follows a terminal state, something follows every other", "[core][task_state]") {
  const auto follows = [](auto states, auto from) {
    for (const auto to : states)
      if (may_become(from, to))
        return true;
    return false;
  };
  for (const auto x : all_task_states())
    CHECK(follows(all_task_states(), x) != is_terminal(x));
  for (const auto x : all_run_states())
    CHECK(follows(all_run_states(), x) != is_terminal(x));
}

TEST_CASE("numbers that are no state lead nowhere", "[core][task_state]") {
  for (int number = 0; number < 256; ++number) {
    if (number >= 1 && number <= 8)
      continue;
    const auto wild = static_cast<task_state>(number);
    CHECK(to_string(wild) == "unknown");
    CHECK_FALSE(is_terminal(wild));
    for (const auto x : all_task_states()) {
      CHECK_FALSE(may_become(x, wild));
      CHECK_FALSE(may_become(wild, x));
    }
  }
  CHECK(to_string(static_cast<run_state>(0)) == "unknown");
  CHECK(to_string(static_cast<phase>(0)) == "unknown");
  CHECK(log_tag(static_cast<phase>(5)) == "unknown");
}

TEST_CASE("each state has the name of the command line and of three other systems",
          "[core][task_state]") {
  struct row {
    task_state state;
    std::string name, maze, retire, hyperqueue;
  };
  using enum task_state;
  const std::vector<row> table{
      {pending, "pending", "received", "pending", "waiting"},
      {queued, "queued", "waiting", "queued", "waiting"},
      {assigned, "assigned", "waiting", "assigned", "waiting"},
      {running, "running", "running", "running", "running"},
      {completed, "completed", "finished", "completed", "finished"},
      {failed, "failed", "failed", "failed", "failed"},
      {cancelled, "cancelled", "cancelled", "cancelled", "canceled"},
      {timeout, "timeout", "failed", "timeout", "failed"},
  };
  REQUIRE(table.size() == all_task_states().size());
  for (const auto& x : table) {
    INFO(x.name);
    CHECK(to_string(x.state) == x.name);
    CHECK(alias(x.state, vocabulary::maze_worker) == x.maze);
    CHECK(alias(x.state, vocabulary::retire_cluster) == x.retire);
    CHECK(alias(x.state, vocabulary::hyperqueue) == x.hyperqueue);
  }
  CHECK(alias(cancelled, vocabulary::hyperqueue, errc::upstream_failed) == "aborted");
  CHECK(alias(cancelled, vocabulary::hyperqueue, errc::cancelled) == "canceled");
  CHECK(alias(failed, vocabulary::hyperqueue, errc::upstream_failed) == "failed");
}

TEST_CASE("runs and phases have names, phases a log tag", "[core][task_state]") {
  const std::vector<std::string> runs{"accepted",  "running", "cancelling",
                                      "completed", "failed",  "cancelled"};
  for (std::size_t i = 0; i < runs.size(); ++i)
    CHECK(to_string(all_run_states()[i]) == runs[i]);
  const std::vector<std::pair<std::string, std::string>> phases{
      {"pull", "Sync"}, {"resolve", "Resolve"}, {"execute", "Execute"}, {"push", "Push"}};
  REQUIRE(all_phases().size() == phases.size());
  for (std::size_t i = 0; i < phases.size(); ++i) {
    CHECK(to_string(all_phases()[i]) == phases[i].first);
    CHECK(log_tag(all_phases()[i]) == phases[i].second);
  }
}
