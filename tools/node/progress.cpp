#include "node/progress.hpp"

#include "maze/core/printable.hpp"
#include "node/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace maze::node {

namespace {

using core::task_state;
using namespace std::chrono_literals;

constexpr std::size_t running_shown_max = 4;

constexpr auto badly = {task_state::failed, task_state::timeout, task_state::cancelled};
/// What is assigned waits on its node for a free slot there.
constexpr auto waiting = {task_state::pending, task_state::queued, task_state::assigned};

struct share {
  char sign;
  std::size_t tasks;
  std::size_t columns = 0;
  std::size_t remainder = 0;
};

std::vector<share> shares_of(const state_counts& counts, std::size_t total) {
  const auto done = sum(counts, {task_state::completed});
  const auto bad = sum(counts, badly);
  const auto busy = sum(counts, {task_state::running});
  return {{'#', done}, {'x', bad}, {'>', busy}, {'.', total - std::min(total, done + bad + busy)}};
}

/// The line of a task that ended; `core::describe` is too long for one.
std::string ended_line(const ended_task& task) {
  const auto name = core::printable(task.name);
  if (task.state == task_state::completed)
    return fmt::format("{}: completed in {}", name, time_text(task.elapsed));
  return fmt::format("{}: {}: {}: {}", name, core::to_string(task.state),
                     core::to_string(task.reason.code), core::printable(task.reason.message));
}

style style_of(core::run_state x) {
  switch (x) {
  case core::run_state::completed:
    return style::good;
  case core::run_state::failed:
  case core::run_state::cancelled:
  case core::run_state::cancelling:
    return style::bad;
  default:
    return style::busy;
  }
}

std::string bar_line(const run_status& status, const screen& on) {
  const auto percent =
      fmt::format(" {:3} %", status.total == 0 ? 0 : ended(status.counts) * 100 / status.total);
  const auto room = std::min<std::size_t>(on.width, 72);
  if (room < percent.size() + 4)
    return core::fit(percent, on.width);
  line out(on);
  out.add("[");
  const auto signs = bar(status.counts, status.total, room - percent.size() - 2);
  for (auto at = signs.begin(); at != signs.end();) {
    const auto end = std::find_if(at, signs.end(), [&](char c) { return c != *at; });
    const auto look = *at == '#'   ? style::good
                      : *at == 'x' ? style::bad
                      : *at == '>' ? style::busy
                                   : style::dim;
    out.add(std::string(at, end), look);
    at = end;
  }
  return out.add("]").add(percent).text();
}

std::string running_line(const running_task& task, std::size_t name_width, const screen& on) {
  const auto time = time_text(task.elapsed);
  line out(on);
  out.add("  ");
  const auto name = core::fit(core::printable(task.name), name_width);
  out.add(name).add(std::string(name_width - core::columns(name) + 2, ' '));
  return out.add(fmt::format("{:>8}", time), style::dim).text();
}

} // namespace

std::size_t sum(const state_counts& counts, std::initializer_list<task_state> states) {
  std::size_t out = 0;
  for (const auto state : states)
    out += counts[static_cast<std::size_t>(state)];
  return out;
}

std::size_t ended(const state_counts& counts) {
  return sum(counts, {task_state::completed}) + sum(counts, badly);
}

std::string time_text(core::duration x) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(x).count();
  if (seconds < 10)
    return fmt::format("{:.1f} s", static_cast<double>(x / 100ms) / 10);
  if (seconds < 60)
    return fmt::format("{} s", seconds);
  const auto minutes = seconds / 60;
  if (minutes < 60)
    return fmt::format("{}:{:02}", minutes, seconds % 60);
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  return fmt::format("{}{}:{:02}:{:02}", days == 0 ? "" : fmt::format("{} d ", days), hours % 24,
                     minutes % 60, seconds % 60);
}

std::optional<core::duration> time_left::update(core::duration elapsed, std::size_t ended,
                                                std::size_t total) {
  if (ended > samples_.back().ended) {
    longest_pause_ = std::max(longest_pause_, elapsed - samples_.back().at);
    samples_.push_back({elapsed, ended});
  }
  const auto window = std::max<core::duration>(30s, elapsed / 4);
  while (samples_.size() > 2 && elapsed - samples_[1].at >= window)
    samples_.pop_front();
  const auto& first = samples_.front();
  const auto took = elapsed - first.at;
  if (elapsed < 2s || (ended < 3 && ended * 2 < total) || ended <= first.ended || took <= 0s)
    return std::nullopt;
  const auto pause = elapsed - samples_.back().at;
  if (pause >= window || pause > std::max<core::duration>(2s, 2 * longest_pause_))
    return std::nullopt;
  const auto left = static_cast<double>(total - std::min(total, ended));
  const auto seconds =
      std::chrono::duration<double>(took).count() * left / static_cast<double>(ended - first.ended);
  return std::chrono::duration_cast<core::duration>(
      std::chrono::duration<double>(std::min(seconds, 1e9)));
}

std::string bar(const state_counts& counts, std::size_t total, std::size_t width) {
  auto shares = shares_of(counts, total);
  std::size_t used = 0;
  for (auto& x : shares) {
    x.columns = total == 0 ? 0 : x.tasks * width / total;
    x.remainder = total == 0 ? 0 : x.tasks * width % total;
    if (x.tasks > 0 && x.columns == 0) {
      x.columns = 1;
      x.remainder = 0;
    }
    used += x.columns;
  }
  // Columns that rounding left over go to the largest remainders; shares that got one for free are
  // paid for by the largest.
  for (; total > 0 && used < width; ++used) {
    auto& next = *std::max_element(shares.begin(), shares.end(), [](const auto& a, const auto& b) {
      return a.remainder < b.remainder;
    });
    ++next.columns;
    next.remainder = 0;
  }
  if (used > width) {
    auto& largest =
        *std::max_element(shares.begin(), shares.end(),
                          [](const auto& a, const auto& b) { return a.columns < b.columns; });
    largest.columns -= std::min(largest.columns, used - width);
  }
  std::string out;
  for (const auto& x : shares)
    out.append(x.columns, x.tasks > 0 ? x.sign : '.');
  out.resize(width, '.');
  return out;
}

std::string snapshot_text(std::uint64_t files, std::uint64_t bytes) {
  static constexpr std::array units{"B", "KB", "MB", "GB", "TB", "PB", "EB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  // Not from 1000 on: 999.96 would round to it.
  for (; size >= 999.95 && unit + 1 < units.size(); size /= 1000)
    ++unit;
  return fmt::format("snapshot: {} {}, {:.{}f} {}", files, files == 1 ? "file" : "files", size,
                     unit == 0 ? 0 : 1, units[unit]);
}

std::string counts_text(const state_counts& counts, std::size_t total) {
  auto out = fmt::format("{} of {} done", sum(counts, {task_state::completed}), total);
  const auto add = [&](std::size_t n, std::string_view what) {
    if (n > 0)
      fmt::format_to(std::back_inserter(out), ", {} {}", n, what);
  };
  add(sum(counts, {task_state::failed}), "failed");
  add(sum(counts, {task_state::timeout}), "timed out");
  add(sum(counts, {task_state::cancelled}), "cancelled");
  add(sum(counts, {task_state::running}), "running");
  add(sum(counts, waiting), "waiting");
  return out;
}

std::vector<std::string> live_lines(const run_status& status, const screen& on) {
  std::vector<std::string> out;
  line head(on);
  head.add(core::printable(status.name), style::strong).add(" ").add(status.run, style::dim);
  head.add("  ").add(std::string(core::to_string(status.state)), style_of(status.state));
  head.add("  ").add(time_text(status.elapsed));
  if (status.eta && !core::is_terminal(status.state))
    head.add(", about ").add(time_text(*status.eta)).add(" left");
  out.push_back(head.text());
  out.push_back(bar_line(status, on));
  out.push_back(core::fit(counts_text(status.counts, status.total), on.width));
  const auto shown = std::min(running_shown_max, status.running.size());
  std::size_t name_width = 0;
  for (std::size_t i = 0; i < shown; ++i)
    name_width = std::max(name_width, core::columns(core::printable(status.running[i].name)));
  // Two columns before the name, two after it, eight for the time.
  name_width = std::min(name_width, on.width > 12 ? on.width - 12 : 0);
  for (std::size_t i = 0; i < shown; ++i)
    out.push_back(running_line(status.running[i], name_width, on));
  const auto busy = sum(status.counts, {task_state::running});
  if (busy > shown && shown > 0)
    out.push_back(core::fit(fmt::format("  and {} more", busy - shown), on.width));
  out.resize(std::min(out.size(), std::max<std::size_t>(on.height, 1)));
  return out;
}

std::string live_view::clear() {
  std::string out;
  if (shown_ > 1)
    out = fmt::format("\x1b[{}A", shown_ - 1);
  if (shown_ > 0)
    out += "\r\x1b[J";
  shown_ = 0;
  return out;
}

std::string live_view::redraw(std::span<const std::string> lines) {
  std::string out = shown_ > 1 ? fmt::format("\x1b[{}A", shown_ - 1) : std::string();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // The line is erased before it is written: behind a full one the terminal would erase its end.
    out += i == 0 ? "\r\x1b[2K" : "\n\r\x1b[2K";
    out += lines[i];
  }
  if (shown_ > lines.size())
    out += fmt::format("\n\x1b[J\x1b[A");
  shown_ = lines.size();
  return out;
}

std::vector<std::string> plain_progress::update(const run_status& status,
                                                std::span<const ended_task> news) {
  std::vector<std::string> out;
  for (const auto& task : news) {
    auto& limit = task.state == task_state::completed ? good_ : bad_;
    if (limit.admit(status.elapsed))
      out.push_back(ended_line(task));
    else
      ++unnamed_;
  }
  const auto tenths = status.total == 0 ? 0 : ended(status.counts) * 10 / status.total;
  const auto since = status.elapsed - last_counts_;
  if ((tenths > tenths_ && since >= 1s) || since >= 10s) {
    out.push_back(fmt::format(
        "{} {}: {} after {}{}{}", core::printable(status.name), status.run,
        counts_text(status.counts, status.total), time_text(status.elapsed),
        status.eta && ended(status.counts) < status.total
            ? fmt::format(", about {} left", time_text(*status.eta))
            : "",
        unnamed_ > 0 ? fmt::format(" ({} tasks ended without a line)", std::exchange(unnamed_, 0))
                     : ""));
    tenths_ = tenths;
    last_counts_ = status.elapsed;
  }
  return out;
}

} // namespace maze::node
