#include "maze/core/run_trace.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;

TEST_CASE("each attempt is found where it was", "[core][run_trace]") {
  run_trace sut(2);
  const task_id task{1};
  CHECK_FALSE(sut.node_of(task, 1));
  sut.placed(task, 1, node_id{7}, 1s);
  sut.began(task, 2s);
  sut.began(task, 3s);
  CHECK(sut.node_of(task, 1) == node_id{7});
  CHECK(sut.last(task).began == 2s);
  sut.ended(task, 4s, errc::oom_killed);
  sut.ended(task, 5s, errc::none);
  CHECK(sut.last(task).ended == 4s);
  sut.placed(task, 2, node_id{8}, 6s);
  CHECK(sut.last(task).ended == 0s);
  CHECK(sut.node_of(task, 1) == node_id{7});
  CHECK(sut.node_of(task, 2) == node_id{8});
  CHECK_FALSE(sut.node_of(task, 3));
  CHECK_FALSE(sut.node_of(task_id{0}, 1));
}

namespace {

const isolation card{.requested = sandbox_level::seccomp, .fences = 5, .began = true};

} // namespace

TEST_CASE("equal report cards are counted together", "[core][run_trace]") {
  run_trace sut(5);
  auto busy = card;
  busy.files.complete = false;
  const isolation other{.requested = sandbox_level::seccomp, .fences = 4, .began = true};
  sut.told(task_id{4}, {{}, card});
  sut.told(task_id{1}, {{}, busy});
  sut.told(task_id{2}, {{}, other});
  sut.told(task_id{3}, {{}, {.requested = sandbox_level::seccomp}});
  const auto cards = sut.cards();
  REQUIRE(cards.size() == 2);
  CHECK(cards[0].what == other);
  CHECK(cards[0].tasks == 1);
  CHECK(cards[1].what == card);
  CHECK(cards[1].tasks == 2);
  CHECK(cards[1].first == task_id{1});
}

TEST_CASE("what is told of a task is what its last attempt's node told", "[core][run_trace]") {
  run_trace sut(2);
  const task_id task{1};
  CHECK(sut.told(task) == run_trace::account{});
  phase_times phases;
  phases.at(phase::execute) = {1s, 2s};
  sut.placed(task, 1, node_id{7}, 1s);
  sut.told(task, {phases, card});
  CHECK(sut.told(task) == run_trace::account{phases, card});
  CHECK(sut.told(task_id{0}) == run_trace::account{});
  sut.placed(task, 2, node_id{7}, 4s);
  CHECK(sut.told(task) == run_trace::account{});
}

TEST_CASE("earlier attempts are told with their phases and why they ended", "[core][run_trace]") {
  run_trace sut(3);
  const task_id task{1};
  for (const task_id other : {task_id{0}, task_id{2}})
    for (std::uint32_t number = 1; number <= 2; ++number)
      sut.placed(other, number, node_id{1}, 1s);
  CHECK(sut.earlier(task, 9).empty());
  for (std::uint32_t number = 1; number <= 4; ++number) {
    sut.placed(task, number, node_id{number}, std::chrono::seconds(number));
    phase_times phases;
    phases.at(phase::pull).ended = std::chrono::seconds(number);
    sut.told(task, {phases, card});
    sut.ended(task, std::chrono::seconds(number + 1), errc::exit_nonzero);
  }
  const auto all = sut.earlier(task, 9);
  REQUIRE(all.size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    CHECK(all[i].at.number == i + 1);
    CHECK(all[i].at.node == node_id{i + 1});
    CHECK(all[i].at.reason == errc::exit_nonzero);
    CHECK(all[i].told.isolation == card);
    CHECK(all[i].told.phases.at(phase::pull).ended == std::chrono::seconds(i + 1));
  }
  const auto latest = sut.earlier(task, 2);
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].at.number == 2);
  CHECK(latest[1].at.number == 3);
}

TEST_CASE("what was never placed has no end", "[core][run_trace]") {
  run_trace sut(1);
  sut.ended(task_id{0}, 1s, errc::none);
  CHECK(sut.last(task_id{0}).ended == 0s);
}
