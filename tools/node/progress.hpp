#pragma once

#include "maze/core/task_state.hpp"
#include "maze/core/units.hpp"
#include "maze/io/log.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maze::node {

/// Number of tasks in each state, by `core::task_state` value, as `core::graph_run::counts` gives it.
using state_counts = std::array<std::size_t, 9>;

/// Tasks of `counts` in any of `states`.
std::size_t sum(const state_counts& counts, std::initializer_list<core::task_state> states);
/// Tasks of `counts` that have ended, well or badly.
std::size_t ended(const state_counts& counts);

struct running_task {
  std::string name;
  core::duration elapsed{};
};

/// What a run looks like at one moment.
struct run_status {
  std::string name;
  /// Text of the run's id.
  std::string run;
  core::run_state state = core::run_state::running;
  state_counts counts{};
  std::size_t total = 0;
  /// The longest-running first; a few are enough, `counts` knows how many there are.
  std::vector<running_task> running;
  core::duration elapsed{};
  /// Time left, where it can be told: see `time_left`.
  std::optional<core::duration> eta;
};

/// Where progress is shown.
struct screen {
  std::size_t width = 80;
  std::size_t height = 24;
  bool color = false;
};

/// `3.4 s`, `42 s`, `5:07`, `1:05:07`, `2 d 3:04:05`.
std::string time_text(core::duration x);

/// Estimates the rest of a run from how many tasks ended during the last 30 s or the last quarter of
/// the run, whichever is longer. Says nothing before 2 s and three ended tasks (or half of them all):
/// the first tasks of a run start together and end together, and tell nothing about the rest. Nor
/// does it say anything once no task has ended for 2 s, or twice as long as ever before: what runs
/// then is unlike what has ended.
class time_left {
public:
  /// @param elapsed  Since the start of the run; never less than the time before.
  std::optional<core::duration> update(core::duration elapsed, std::size_t ended,
                                       std::size_t total);

private:
  struct sample {
    core::duration at;
    std::size_t ended;
  };
  /// One each time that tasks ended; never empty.
  std::deque<sample> samples_{{core::duration::zero(), 0}};
  /// The longest time without an end, up to the last one.
  core::duration longest_pause_{};
};

/// `width` characters for shares of `total`: `#` done, `x` ended badly, `>` running, `.` the rest. Who
/// has a share at all gets a character where there is room for it.
std::string bar(const state_counts& counts, std::size_t total, std::size_t width);

/// The live view: state and times, a bar, counts, up to four running tasks. No line is wider than
/// the screen, nor are there more lines than it has; names are escaped.
std::vector<std::string> live_lines(const run_status& status, const screen& on);

/// Draws lines over the ones it drew before.
class live_view {
public:
  /// What to write to the terminal so that it shows `lines` in place of the former ones.
  std::string redraw(std::span<const std::string> lines);
  /// What to write so that nothing of the view is left and the cursor is where it began.
  std::string clear();

private:
  std::size_t shown_ = 0;
};

/// A task that ended since the last look.
struct ended_task {
  std::string name;
  core::task_state state = core::task_state::completed;
  core::duration elapsed{};
  core::error reason;
  std::uint32_t attempts = 1;
};

/// The same for a pipe or a file: lines without control sequences. Each task that ends gets one, at
/// most 20 good and 20 bad ones in 5 s; a line of counts follows at every tenth of the run, or after
/// 10 s, but not twice in a second.
class plain_progress {
public:
  std::vector<std::string> update(const run_status& status, std::span<const ended_task> news);

private:
  io::rate_limit good_{20, std::chrono::seconds(5)};
  io::rate_limit bad_{20, std::chrono::seconds(5)};
  std::size_t unnamed_ = 0;
  std::size_t tenths_ = 0;
  core::duration last_counts_{};
};

/// `snapshot: 1234 files, 5.2 GB`.
std::string snapshot_text(std::uint64_t files, std::uint64_t bytes);

/// `45 of 100 done, 2 failed, 4 running, 49 waiting`, with only the parts that are not zero. A task that
/// a node holds but has not started yet is waiting.
std::string counts_text(const state_counts& counts, std::size_t total);

} // namespace maze::node
