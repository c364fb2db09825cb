#include "node/progress.hpp"

#include "maze/core/printable.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <regex>

using namespace maze;
using namespace maze::node;
using namespace std::chrono_literals;
using core::task_state;
using lines = std::vector<std::string>;

namespace {

/// Tasks that are completed, failed, cancelled, running, waiting.
state_counts counts(std::array<std::size_t, 5> n) {
  state_counts out{};
  const std::array states{task_state::completed, task_state::failed, task_state::cancelled,
                          task_state::running, task_state::pending};
  for (std::size_t i = 0; i < n.size(); ++i)
    out[static_cast<std::size_t>(states[i])] = n[i];
  return out;
}

run_status middle_of_a_run() {
  return {.name = "word-count",
          .run = "3x7k",
          .counts = counts({45, 2, 1, 6, 46}),
          .total = 100,
          .running = {{"count-12", 42s}, {"count-7", 3400ms}, {"größer", 1s}, {"d", 0s}},
          .elapsed = 72s,
          .eta = 90s};
}

std::string without_colors(const std::string& text) {
  static const std::regex sequence("\x1b\\[[0-9]*m");
  return std::regex_replace(text, sequence, "");
}

} // namespace

TEST_CASE("times are short and exact enough", "[tools][progress]") {
  CHECK(time_text(0s) == "0.0 s");
  CHECK(time_text(3499ms) == "3.4 s");
  CHECK(time_text(9999ms) == "9.9 s");
  CHECK(time_text(10s) == "10 s");
  CHECK(time_text(59900ms) == "59 s");
  CHECK(time_text(307s) == "5:07");
  CHECK(time_text(1h + 5min + 7s) == "1:05:07");
  CHECK(time_text(49h) == "2 d 1:00:00");
}

TEST_CASE("the live view shows shares, counts, times and running tasks", "[tools][progress]") {
  CHECK(live_lines(middle_of_a_run(), {.width = 60})
        == lines{"word-count 3x7k  running  1:12, about 1:30 left",
                 "[#######################xx>>>........................]  48 %",
                 "45 of 100 done, 2 failed, 1 cancelled, 6 running, 46 waiting",
                 "  count-12      42 s", "  count-7      3.4 s", "  größer       1.0 s",
                 "  d            0.0 s", "  and 2 more"});
}

TEST_CASE("the first and the last view of a run make sense", "[tools][progress]") {
  CHECK(live_lines({.name = "w", .run = "1", .counts = counts({0, 0, 0, 0, 3}), .total = 3},
                   {.width = 20})
        == lines{"w 1  running  0.0 s", "[............]   0 %", "0 of 3 done, 3 wait…"});
  CHECK(
      live_lines({.name = "w",
                  .run = "1",
                  .state = core::run_state::completed,
                  .counts = counts({3, 0, 0, 0, 0}),
                  .total = 3,
                  .elapsed = 5s,
                  .eta = 0s},
                 {.width = 40})
      == lines{"w 1  completed  5.0 s", "[################################] 100 %", "3 of 3 done"});
  CHECK(live_lines({.name = "empty", .run = "1"}, {.width = 20})[1] == "[............]   0 %");
}

TEST_CASE("no line is wider than the terminal, with colours or without", "[tools][progress]") {
  auto status = middle_of_a_run();
  status.name = "日本語の名前 with a long tail";
  status.running[0].name = "日本語の名前日本語の名前日本語の名前";
  status.running[1].name = "evil\x1b[2J\nname";
  for (std::size_t width = 0; width <= 90; ++width) {
    INFO("width = " << width);
    const auto plain = live_lines(status, {.width = width});
    const auto colored = live_lines(status, {.width = width, .color = true});
    REQUIRE(plain.size() == colored.size());
    for (std::size_t i = 0; i < plain.size(); ++i) {
      CHECK(core::columns(plain[i]) <= width);
      CHECK(plain[i].find_first_of("\x1b\n") == std::string::npos);
      CHECK(without_colors(colored[i]) == plain[i]);
    }
  }
}

TEST_CASE("the view has no more lines than the terminal", "[tools][progress]") {
  CHECK(live_lines(middle_of_a_run(), {.height = 3}).size() == 3);
  CHECK(live_lines(middle_of_a_run(), {.height = 0}).size() == 1);
}

TEST_CASE("a bar fills its width and shows every share", "[tools][progress]") {
  CHECK(bar(counts({1, 1, 0, 1, 9997}), 10000, 10) == "#x>.......");
  CHECK(bar(counts({9999, 1, 0, 0, 0}), 10000, 10) == "#########x");
  CHECK(bar(counts({5, 0, 0, 0, 0}), 5, 4) == "####");
  CHECK(bar(counts({0, 0, 0, 0, 0}), 0, 4) == "....");
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    const auto n = [&] { return static_cast<std::size_t>(random() % 50); };
    const auto some = counts({n(), n(), n(), n(), n()});
    const auto total = ended(some) + sum(some, {task_state::running, task_state::pending});
    const std::size_t width = random() % 60;
    CHECK(bar(some, total, width).size() == width);
  }
}

TEST_CASE("a task that waits on its node for a slot is waiting, not running", "[tools][progress]") {
  auto some = counts({5, 0, 0, 1, 1});
  some[static_cast<std::size_t>(task_state::queued)] = 1;
  some[static_cast<std::size_t>(task_state::assigned)] = 2;
  CHECK(counts_text(some, 10) == "5 of 10 done, 1 running, 4 waiting");
  CHECK(bar(some, 10, 10) == "#####>....");
  const run_status status{
      .name = "w", .run = "1", .counts = some, .total = 10, .running = {{"a", 1s}}, .elapsed = 2s};
  const auto shown = live_lines(status, {.width = 40});
  REQUIRE(shown.size() == 4);
  CHECK(shown[1] == "[################>>>.............]  50 %");
  CHECK(shown[2] == "5 of 10 done, 1 running, 4 waiting");
  CHECK(shown[3] == "  a     1.0 s");
}

TEST_CASE("views replace each other on the terminal", "[tools][progress]") {
  live_view sut;
  CHECK(sut.clear().empty());
  CHECK(sut.redraw(lines{"a", "b"}) == "\r\x1b[2Ka\n\r\x1b[2Kb");
  CHECK(sut.redraw(lines{"c", "d", "e"}) == "\x1b[1A\r\x1b[2Kc\n\r\x1b[2Kd\n\r\x1b[2Ke");
  CHECK(sut.redraw(lines{"f"}) == "\x1b[2A\r\x1b[2Kf\n\x1b[J\x1b[A");
  CHECK(sut.clear() == "\r\x1b[J");
  CHECK(sut.redraw(lines{"a", "b"}) == "\r\x1b[2Ka\n\r\x1b[2Kb");
  CHECK(sut.clear() == "\x1b[1A\r\x1b[J");
}

TEST_CASE("the time left is told once it can be", "[tools][progress]") {
  time_left sut;
  CHECK(!sut.update(0s, 0, 100));
  CHECK(!sut.update(1s, 10, 100));
  CHECK(!sut.update(3s, 0, 100));
  time_left few;
  CHECK(!few.update(5s, 1, 4));
  CHECK(few.update(6s, 2, 4) == core::duration(6s));
  time_left steady;
  for (int s = 1; s < 60; ++s)
    steady.update(std::chrono::seconds(s), static_cast<std::size_t>(s), 120);
  CHECK(steady.update(60s, 60, 120) == core::duration(60s));
  CHECK(steady.update(61s, 120, 120) == core::duration(0s));
}

TEST_CASE("the time left follows a change of pace", "[tools][progress]") {
  time_left sut;
  std::size_t done = 0;
  for (int s = 1; s <= 100; ++s)
    sut.update(std::chrono::seconds(s), done += 10, 10000);
  std::optional<core::duration> left;
  for (int s = 101; s <= 200; ++s)
    left = sut.update(std::chrono::seconds(s), ++done, 10000);
  REQUIRE(left);
  CHECK(*left == core::duration(8900s));
}

TEST_CASE("a task that takes much longer than the others ends the estimate", "[tools][progress]") {
  time_left sut;
  std::optional<core::duration> left;
  for (int s = 1; s <= 9; ++s)
    left = sut.update(std::chrono::seconds(s), static_cast<std::size_t>(s), 10);
  CHECK(left == core::duration(1s));
  CHECK(sut.update(11s, 9, 10));
  for (int s = 12; s < 3000; s += 7)
    CHECK(!sut.update(std::chrono::seconds(s), 9, 10));
}

TEST_CASE("tasks that end in waves are no reason to doubt the estimate", "[tools][progress]") {
  time_left sut;
  for (int s = 1; s <= 60; ++s) {
    const auto left = sut.update(std::chrono::seconds(s), static_cast<std::size_t>(s / 10 * 4), 40);
    if (s >= 10)
      CHECK(left);
  }
}

TEST_CASE("an estimate comes back when tasks end again", "[tools][progress]") {
  time_left sut;
  for (int s = 1; s <= 9; ++s)
    sut.update(std::chrono::seconds(s), static_cast<std::size_t>(s), 20);
  CHECK(!sut.update(20s, 9, 20));
  CHECK(sut.update(21s, 10, 20));
}

TEST_CASE("the progress of a snapshot fits on half a line", "[tools][progress]") {
  CHECK(snapshot_text(0, 0) == "snapshot: 0 files, 0 B");
  CHECK(snapshot_text(1, 999) == "snapshot: 1 file, 999 B");
  CHECK(snapshot_text(1234, 5'234'000'000) == "snapshot: 1234 files, 5.2 GB");
  CHECK(snapshot_text(2, 999'960) == "snapshot: 2 files, 1.0 MB");
}

TEST_CASE("a pipe gets a line for each task that ends", "[tools][progress]") {
  plain_progress sut;
  run_status status{
      .name = "w", .run = "1", .counts = counts({1, 1, 0, 0, 8}), .total = 10, .elapsed = 2s};
  const std::vector<ended_task> news{
      {.name = "a", .elapsed = 1200ms},
      {.name = "b\n",
       .state = task_state::failed,
       .reason = {.code = core::errc::exit_nonzero, .message = "status\x1b[2J 3"}}};
  CHECK(sut.update(status, news)
        == lines{"a: completed in 1.2 s", "b\\n: failed: exit_nonzero: status\\x1b[2J 3",
                 "w 1: 1 of 10 done, 1 failed, 8 waiting after 2.0 s"});
  CHECK(sut.update(status, {}).empty());
  status.elapsed = 12s;
  status.eta = 48s;
  CHECK(sut.update(status, {})
        == lines{"w 1: 1 of 10 done, 1 failed, 8 waiting after 12 s, about 48 s left"});
}

TEST_CASE("a pipe is not flooded by a huge run", "[tools][progress]") {
  plain_progress sut;
  std::size_t written = 0;
  bool counted = false;
  for (std::size_t batch = 1; batch <= 1000; ++batch) {
    const std::vector<ended_task> news(1000, {.name = "t"});
    const run_status status{.name = "w",
                            .run = "1",
                            .counts = counts({batch * 1000, 0, 0, 0, 1'000'000 - batch * 1000}),
                            .total = 1'000'000,
                            .elapsed = batch * 20ms};
    for (const auto& text : sut.update(status, news)) {
      ++written;
      counted = counted || text.find("tasks ended without a line") != std::string::npos;
    }
  }
  CHECK(written < 150);
  CHECK(counted);
}
