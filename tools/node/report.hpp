#pragma once

#include "maze/core/file_report.hpp"
#include "maze/core/isolation.hpp"
#include "maze/core/journal_event.hpp"
#include "maze/core/value.hpp"
#include "maze/io/workflow_file.hpp"
#include "node/progress.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace maze::node {

/// One version of a published file, or a path that was not published.
struct traced_file {
  /// As bytes.
  std::string path;
  /// Who wrote it.
  std::string task;
  /// Text of the content's hash; empty where it has none.
  std::string hash;
  std::uint64_t size = 0;
};

/// An output stream of which a task's value holds only the start, or whose log is not whole.
struct truncated_stream {
  std::string task;
  std::uint32_t attempt = 1;
  /// `stdout` or `stderr`.
  std::string stream;
  /// Bytes that the task wrote, and how many of them the value holds.
  std::uint64_t total = 0;
  std::uint64_t kept = 0;
  /// The file with the rest; empty where there is none any more.
  std::string log;
  /// Why the log is missing or incomplete; empty where it is neither.
  std::string log_error;
};

/// What a task did with files beyond what it declares.
struct reported_files {
  std::string task;
  core::file_report report;
};

/// What fenced some tasks of a run in.
struct shared_card {
  core::isolation card;
  std::uint64_t tasks = 0;
  std::string first;
};

/// How a run ended and where its results are.
struct run_report {
  /// The workflow's name and the text of the run's id.
  std::string name;
  std::string run;
  core::run_state state = core::run_state::completed;
  state_counts counts{};
  std::size_t total = 0;
  /// Tasks that ended otherwise than completed, in the order in which they ended.
  std::vector<ended_task> failed;
  /// Collected files, relative to `out`, as bytes.
  std::vector<std::string> files;
  /// Every version that tasks published, in order.
  std::vector<traced_file> history;
  /// What tasks wrote and maze did not publish, because it looks like code or a cache.
  std::vector<traced_file> left_out;
  /// In the order in which the attempts ended.
  std::vector<truncated_stream> truncated;
  /// Of tasks that want it and did not do as declared.
  std::vector<reported_files> file_reports;
  /// The report cards there were, each with the number of its tasks and the first of them.
  std::vector<shared_card> cards;
  /// The folder that they lie in; empty where nothing was collected.
  std::string out;
  /// What else people should know, each a sentence.
  std::vector<std::string> notes;
  core::wall_time started{};
  core::duration elapsed{};
  /// Results and reports of attempts that had been given up, refused when they came after all.
  std::uint64_t late_refused = 0;
  /// Value of the workflow's `result`, where it has one that came about.
  std::optional<core::value> result;
};

/// What people read at the end: one line of counts, a table of the tasks that failed with reason, exit
/// code and the last lines of standard error, how many were cancelled because of them, a warning for
/// each stream that was cut (at most ten), and where the files are. Tasks' texts are escaped; no line of the table is wider than the screen.
std::string summary(const run_report& report, const screen& on);

/// What programs read (`--output json`): one object on one line.
///
/// `{run, name, state, tasks: {total, completed, failed, timeout, cancelled, not_ended}, failed: [{task,
/// state, attempts, error: {class, message, origin, exit_code, signal, evidence, retryable}}], cancelled: [{task, message}], files: [path…], history: [{path, task, hash, size}], left_out: [{path, task}],
/// truncated: [{task, attempt, stream, total, kept, log, log_error}], file_reports: [{task, mode, complete, …}], isolation: [{requested, level, fences, tasks, task}],
/// out, result, notes, late_refused, timing: {started, elapsed_s}}`; `result` as io/README.md writes values. Paths as `io::file_name_to_text` writes them; `exit_code`, `signal`, `out`, `log` and `log_error` are null where there is none.
std::string json_report(const run_report& report);
/// The same, not yet as text.
nlohmann::ordered_json view_of(const run_report& report);
/// `{class, message, origin, exit_code, signal, evidence, retryable}`.
nlohmann::ordered_json view_of(const core::error& reason);
/// `{code, file, line, column, field, message, remedy}`.
nlohmann::ordered_json view_of(const io::diagnostic& fault);

/// What people read of a run that never began: why, and below it the last lines of the evidence, escaped.
std::string refusal_text(const core::error& reason);
/// The same for programs: `{state: "refused", error: {class, message, …}}`.
std::string refusal_report(const core::error& reason);

/// The same as `refusal_report` for a file that does not describe a run: `{file, valid: false, faults: [{code, file, line,
/// column, field, message, remedy}]}`, as `validate` prints it.
std::string faults_report(const std::string& file, const std::vector<io::diagnostic>& faults);

} // namespace maze::node
