#include "node/run_outcome.hpp"

#include "maze/io/json.hpp"
#include "node/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace maze::node {

run_report report_of(const actors::run_report& told, const run_frame& frame) {
  run_report report{.name = frame.name,
                    .run = frame.run,
                    .state = told.state,
                    .total = frame.total,
                    .started = frame.started,
                    .elapsed = told.elapsed,
                    .late_refused = told.stale_refused};
  std::copy(told.counts.begin(), told.counts.end(), report.counts.begin());
  for (const actors::task_outcome& task : told.not_completed)
    if (core::is_terminal(task.state))
      report.failed.push_back(
          {task.task, task.state, core::duration::zero(), task.reason, task.attempts});
  for (const actors::file_version& one : told.history)
    report.history.push_back(
        {one.path, one.task,
         one.entry.kind == core::file_kind::file ? core::to_string(one.entry.hash) : "",
         one.entry.size});
  for (const actors::left_out_path& one : told.left_out)
    report.left_out.push_back({one.path, one.task, {}, 0});
  for (const actors::cut_output& one : told.cut)
    report.truncated.push_back({one.task, one.attempt, one.what.stream, one.what.total,
                                one.what.kept, one.what.log, one.what.log_error});
  for (const actors::task_files& one : told.file_reports)
    report.file_reports.push_back({one.task, one.report});
  for (const actors::shared_card& one : told.cards)
    report.cards.push_back({one.card, one.tasks, one.task});
  if (!told.result.empty())
    if (auto result = core::decode(told.result))
      report.result = std::move(*result);
  return report;
}

std::string result_text(const core::value& result) {
  if (const auto* text = result.as<std::string>())
    return *text + (text->ends_with('\n') ? "" : "\n");
  return io::to_json(result, io::json_style::indented).value_or("") + "\n";
}

core::result<void> check_destination(const settings& values) {
  std::error_code ignored;
  namespace fs = std::filesystem;
  if (values.out && fs::exists(*values.out, ignored)
      && !(fs::is_directory(*values.out, ignored) && fs::is_empty(*values.out, ignored)))
    return core::fail(core::errc::already_exists,
                      fmt::format("{} exists and is not an empty folder: choose another --out",
                                  values.out->string()));
  return {};
}

int refuse(const settings& values, const core::error& what, int code) {
  std::cerr << refusal_text(what);
  if (values.output == output_form::json)
    std::cout << refusal_report(what);
  return code;
}

void warn(const settings& values, const std::string& what) {
  if (!values.quiet)
    std::cerr << "maze-node: warning: " << core::printable(what) << '\n';
}

int exit_code_of(core::errc code) {
  switch (code) {
  case core::errc::permission_denied:
  case core::errc::io_error:
  case core::errc::resource_exhausted:
  case core::errc::already_exists:
  case core::errc::transfer_error:
  case core::errc::stale:
    return exit_code::refused;
  default:
    return exit_code::wrong_use;
  }
}

int exit_code_of(const actors::run_report& report) {
  switch (report.state) {
  case core::run_state::completed:
    return exit_code::done;
  case core::run_state::cancelled:
    return exit_code::cancelled;
  default:
    break;
  }
  const auto& bad = report.not_completed;
  const auto any = [&](core::task_state state) {
    return std::any_of(bad.begin(), bad.end(),
                       [state](const actors::task_outcome& task) { return task.state == state; });
  };
  return any(core::task_state::timeout) && !any(core::task_state::failed) ? exit_code::timed_out
                                                                          : exit_code::failed;
}

} // namespace maze::node
