#include "node/report.hpp"

#include "maze/core/printable.hpp"
#include "maze/io/json.hpp"
#include "node/card_listing.hpp"
#include "node/file_listing.hpp"
#include "node/line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace maze::node {

namespace {

using core::task_state;
using nlohmann::ordered_json;

constexpr std::size_t evidence_lines_max = 5;
constexpr std::size_t rows_max = 40;
constexpr std::size_t warnings_max = 10;

std::vector<std::string_view> last_lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0)
      out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (out.size() > evidence_lines_max)
    out.erase(out.begin(), out.end() - evidence_lines_max);
  return out;
}

std::string exit_text(const core::error& reason) {
  if (reason.signal != 0)
    return fmt::format("signal {}", reason.signal);
  return reason.exit_code >= 0 ? fmt::to_string(reason.exit_code) : "-";
}

struct column_widths {
  std::size_t task = 4;
  std::size_t state = 5;
  std::size_t exit = 4;
};

std::string padded(const std::string& text, std::size_t width) {
  const auto shown = core::fit(text, width);
  return shown + std::string(width - core::columns(shown) + 2, ' ');
}

/// Cut at blanks into pieces of at most `width` columns; a longer word is cut where it must be.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> out;
  std::string now;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = core::fit(std::string(text.substr(0, end)), width);
    if (!now.empty() && core::columns(now) + 1 + core::columns(word) > width)
      out.push_back(std::exchange(now, {}));
    now += (now.empty() ? "" : " ") + word;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!now.empty())
    out.push_back(std::move(now));
  return out;
}

void add_row(std::string& out, const ended_task& task, const column_widths& widths,
             const screen& on) {
  line row(on);
  row.add(padded(core::printable(task.name), widths.task), style::strong);
  row.add(padded(std::string(core::to_string(task.state)), widths.state), style::bad);
  row.add(padded(exit_text(task.reason), widths.exit));
  auto reason = fmt::format("{}: {}", core::to_string(task.reason.code),
                            core::printable(task.reason.message));
  if (task.attempts > 1)
    reason += fmt::format(" (attempt {})", task.attempts);
  const auto beside = widths.task + widths.state + widths.exit + 6;
  if (beside + core::columns(reason) <= on.width) {
    out += row.add(reason).text() + "\n";
  } else {
    out += row.text() + "\n";
    for (const std::string& part : wrapped(reason, on.width > 4 ? on.width - 4 : 1))
      out += line(on).add("    ").add(part).text() + "\n";
  }
  for (const auto text : last_lines(task.reason.evidence)) {
    line below(on);
    out += below.add("  | ", style::dim).add(core::printable(text)).text() + "\n";
  }
}

/// Tasks that failed by themselves; those that were only cancelled are counted, not listed.
std::string failure_table(const std::vector<ended_task>& failed, const screen& on) {
  column_widths widths;
  bool empty = true;
  for (const auto& task : failed) {
    if (task.state == task_state::cancelled)
      continue;
    empty = false;
    widths.task = std::max(widths.task, core::columns(core::printable(task.name)));
    widths.state = std::max(widths.state, core::to_string(task.state).size());
    widths.exit = std::max(widths.exit, exit_text(task.reason).size());
  }
  if (empty)
    return {};
  widths.task = std::min<std::size_t>(widths.task, std::max<std::size_t>(on.width / 3, 4));
  line head(on);
  head.add(padded("TASK", widths.task)).add(padded("STATE", widths.state));
  auto out = head.add(padded("EXIT", widths.exit)).add("REASON").text() + "\n";
  std::size_t rows = 0;
  for (const auto& task : failed)
    if (task.state != task_state::cancelled && ++rows <= rows_max)
      add_row(out, task, widths, on);
  if (rows > rows_max)
    out += fmt::format("and {} more; --output json lists all\n", rows - rows_max);
  return out;
}

/// Names the tasks that never ran because of others, as many as fit on one line.
std::string cancelled_tasks(const std::vector<ended_task>& ended, const screen& on) {
  line names(on);
  std::size_t count = 0;
  for (const auto& task : ended)
    if (task.state == task_state::cancelled)
      names.add(count++ == 0 ? "cancelled: " : ", ").add(core::printable(task.name));
  return count == 0 ? std::string() : names.text() + "\n";
}

std::string truncation_text(const truncated_stream& cut) {
  auto out = fmt::format("warning: {} of task {}", cut.stream, core::printable(cut.task));
  if (cut.attempt > 1)
    out += fmt::format(" (attempt {})", cut.attempt);
  out += cut.total > cut.kept
             ? fmt::format(" has {} bytes, and only the first {} were kept", cut.total, cut.kept)
             : fmt::format(" has {} bytes", cut.total);
  if (!cut.log_error.empty())
    out += fmt::format("; its log could not be written: {}", core::printable(cut.log_error));
  else if (!cut.log.empty())
    out += fmt::format("; its log is {}", core::printable(cut.log));
  else
    out += "; --keep keeps its log";
  return out;
}

/// A warning for each stream that was cut, wrapped, as long as they are few.
std::string truncations(const std::vector<truncated_stream>& cut, const screen& on) {
  std::string out;
  for (std::size_t i = 0; i < std::min(cut.size(), warnings_max); ++i)
    for (const std::string& part : wrapped(truncation_text(cut[i]), on.width))
      out += part + "\n";
  if (cut.size() > warnings_max)
    out += fmt::format("and {} more streams were cut; --output json lists all\n",
                       cut.size() - warnings_max);
  return out;
}

/// How the use of files by one task differs from its declaration; empty where it does not.
std::string file_note(const std::string& task, const core::file_report& report) {
  const auto beyond = core::describe_beyond(report);
  const auto unused = core::describe_unused(report);
  const auto name = core::printable(task);
  if (beyond.empty() && !report.complete)
    return fmt::format("not all that task {} read is known", name);
  if (beyond.empty())
    return unused.empty() ? std::string()
                          : fmt::format("task {} never read {}, which it declares", name, unused);
  return fmt::format("task {} {}, beyond what it declares{}", name, beyond,
                     unused.empty() ? "" : ", and never read " + unused);
}

/// The same of all tasks, wrapped, as long as they are few. Of a task that failed for it the table tells.
std::string file_notes(const std::vector<reported_files>& reports, const screen& on) {
  std::string out;
  std::size_t count = 0;
  for (const auto& [task, report] : reports) {
    const auto text =
        report.mode == core::file_report_mode::observe ? file_note(task, report) : std::string();
    if (text.empty() || ++count > warnings_max)
      continue;
    for (const std::string& part : wrapped(text, on.width))
      out += part + "\n";
  }
  if (count > warnings_max)
    out += fmt::format("and so did {} more tasks; --output json lists all\n", count - warnings_max);
  return out;
}

double seconds(core::duration x) { return std::chrono::duration<double>(x).count(); }

std::string utc_text(core::wall_time at) {
  const std::chrono::sys_time<core::wall_time> moment(at);
  const auto whole = std::chrono::floor<std::chrono::seconds>(moment);
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(moment - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), millis);
}

/// Of tasks that let their node give less than they asked for.
std::string weaker_levels(const std::vector<shared_card>& cards, const screen& on) {
  std::string out;
  for (const shared_card& one : cards)
    if (one.card.level() < one.card.requested) {
      const auto text = fmt::format(
          "{} task{} ran at level {} instead of {}, as `degrade: allow` lets: {}{}", one.tasks,
          one.tasks == 1 ? "" : "s", core::to_string(one.card.level()),
          core::to_string(one.card.requested), one.first, one.tasks == 1 ? "" : " and others");
      for (const std::string& part : wrapped(text, on.width))
        out += part + "\n";
    }
  return out;
}

ordered_json json_of(const ended_task& task) {
  return {{"task", task.name},
          {"state", core::to_string(task.state)},
          {"attempts", task.attempts},
          {"error", view_of(task.reason)}};
}

std::string one_line(const ordered_json& x) {
  return x.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

} // namespace

std::string summary(const run_report& report, const screen& on) {
  const bool good = report.state == core::run_state::completed;
  const auto name = core::printable(report.name);
  const auto state = core::to_string(report.state);
  const auto counts = fmt::format(" after {}: {}", time_text(report.elapsed),
                                  counts_text(report.counts, report.total));
  std::string out;
  line head(on);
  head.add(name, style::strong).add(" ").add(report.run).add(" ");
  head.add(state, good ? style::good : style::bad).add(counts);
  const auto whole = fmt::format("{} {} {}{}", name, report.run, state, counts);
  // It stays, so it is not cut.
  if (core::columns(whole) <= on.width)
    out = head.text() + "\n";
  else
    for (const std::string& part : wrapped(whole, on.width))
      out += part + "\n";
  out += failure_table(report.failed, on);
  out += cancelled_tasks(report.failed, on);
  out += truncations(report.truncated, on);
  out += file_notes(report.file_reports, on);
  out += weaker_levels(report.cards, on);
  for (const std::string& note : report.notes)
    for (const std::string& part : wrapped(note, on.width))
      out += part + "\n";
  if (!report.out.empty())
    out += fmt::format("{} {} in {}\n", report.files.size(),
                       report.files.size() == 1 ? "file" : "files", core::printable(report.out));
  if (!report.left_out.empty()) {
    line note(on);
    note.add(fmt::format("not published (looks like code or a cache, or is ignored): {} of task {}",
                         core::printable(report.left_out.front().path),
                         report.left_out.front().task));
    if (report.left_out.size() > 1)
      note.add(fmt::format(" and {} more", report.left_out.size() - 1));
    out += note.text() + "\n";
  }
  return out;
}

std::string json_report(const run_report& report) { return one_line(view_of(report)); }

ordered_json view_of(const core::error& reason) {
  const auto number = [](std::int32_t x, std::int32_t none) {
    return x == none ? ordered_json() : ordered_json(x);
  };
  return {{"class", core::to_string(reason.code)},
          {"message", reason.message},
          {"origin", reason.origin},
          {"exit_code", number(reason.exit_code, -1)},
          {"signal", number(reason.signal, 0)},
          {"evidence", reason.evidence},
          {"retryable", core::is_retryable(reason.code)}};
}

ordered_json view_of(const io::diagnostic& x) {
  return {{"code", x.code},   {"file", x.file},       {"line", x.line},    {"column", x.column},
          {"field", x.field}, {"message", x.message}, {"remedy", x.remedy}};
}

ordered_json view_of(const run_report& report) {
  const auto tasks = [&](task_state state) { return sum(report.counts, {state}); };
  ordered_json out{
      {"run", report.run},
      {"name", report.name},
      {"state", core::to_string(report.state)},
      {"tasks",
       {{"total", report.total},
        {"completed", tasks(task_state::completed)},
        {"failed", tasks(task_state::failed)},
        {"timeout", tasks(task_state::timeout)},
        {"cancelled", tasks(task_state::cancelled)},
        {"not_ended", report.total - std::min(report.total, ended(report.counts))}}},
      {"failed", ordered_json::array()},
      {"cancelled", ordered_json::array()},
      {"files", ordered_json::array()},
      {"history", ordered_json::array()},
      {"left_out", ordered_json::array()},
      {"truncated", ordered_json::array()},
      {"file_reports", ordered_json::array()},
      {"isolation", ordered_json::array()},
      {"out", report.out.empty() ? ordered_json() : ordered_json(report.out)},
      {"result", nullptr},
      {"notes", report.notes},
      {"late_refused", report.late_refused},
      {"timing", {{"started", utc_text(report.started)}, {"elapsed_s", seconds(report.elapsed)}}}};
  if (report.result)
    if (const auto text = io::to_json(*report.result))
      out["result"] = ordered_json::parse(*text);
  for (const auto& file : report.files)
    out["files"].push_back(io::file_name_to_text(file));
  for (const traced_file& one : report.history)
    out["history"].push_back({{"path", io::file_name_to_text(one.path)},
                              {"task", one.task},
                              {"hash", one.hash.empty() ? ordered_json() : ordered_json(one.hash)},
                              {"size", one.size}});
  for (const traced_file& one : report.left_out)
    out["left_out"].push_back({{"path", io::file_name_to_text(one.path)}, {"task", one.task}});
  for (const truncated_stream& one : report.truncated)
    out["truncated"].push_back(
        {{"task", one.task},
         {"attempt", one.attempt},
         {"stream", one.stream},
         {"total", one.total},
         {"kept", one.kept},
         {"log", one.log.empty() ? ordered_json() : ordered_json(one.log)},
         {"log_error", one.log_error.empty() ? ordered_json() : ordered_json(one.log_error)}});
  for (const reported_files& one : report.file_reports) {
    ordered_json entry{{"task", one.task}};
    entry.update(file_report_json(one.report));
    out["file_reports"].push_back(std::move(entry));
  }
  for (const shared_card& one : report.cards) {
    auto entry = isolation_json(one.card);
    entry.update({{"tasks", one.tasks}, {"task", one.first}});
    out["isolation"].push_back(std::move(entry));
  }
  for (const auto& task : report.failed)
    if (task.state == task_state::cancelled)
      out["cancelled"].push_back({{"task", task.name}, {"message", task.reason.message}});
    else
      out["failed"].push_back(json_of(task));
  return out;
}

std::string refusal_text(const core::error& reason) {
  std::string out = fmt::format("maze-node: {}\n", core::describe(reason));
  for (const auto text : last_lines(reason.evidence))
    out += fmt::format("  | {}\n", core::printable(text));
  return out;
}

std::string refusal_report(const core::error& reason) {
  return one_line({{"state", "refused"}, {"error", view_of(reason)}});
}

std::string faults_report(const std::string& file, const std::vector<io::diagnostic>& faults) {
  ordered_json out{
      {"state", "refused"}, {"file", file}, {"valid", false}, {"faults", ordered_json::array()}};
  if (!faults.empty())
    out["error"] = view_of(core::error{.code = core::errc::malformed,
                                       .message = io::to_string(faults.front()),
                                       .origin = "workflow"});
  for (const io::diagnostic& fault : faults)
    out["faults"].push_back(view_of(fault));
  return one_line(out);
}

} // namespace maze::node
