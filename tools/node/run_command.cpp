#include "maze/actors/errors.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/export.hpp"
#include "maze/io/json.hpp"
#include "maze/io/workflow_file.hpp"
#include "node/commands.hpp"
#include "node/follow.hpp"
#include "node/private_node.hpp"
#include "node/report.hpp"
#include "node/submission.hpp"
#include "node/watched_snapshot.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <unistd.h>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds submit_timeout{60};
constexpr std::chrono::seconds drain_patience{10};

/// Says why there is no run, on standard error and, for programs, as the one JSON object.
int refuse(const settings& values, const core::error& what, int code) {
  std::cerr << "maze-node: " << core::describe(what) << '\n';
  if (values.output == output_form::json)
    std::cout << refusal_report(what);
  return code;
}

/// What went wrong before the run began: a wrong description, or a machine that does not allow it.
int exit_code_of(core::errc code) {
  switch (code) {
  case core::errc::permission_denied:
  case core::errc::io_error:
  case core::errc::resource_exhausted:
  case core::errc::already_exists:
    return exit_code::refused;
  default:
    return exit_code::wrong_use;
  }
}

int exit_code_of(const followed_run& run) {
  if (run.interrupted_by != 0)
    return exit_code::interrupted;
  switch (run.report.state) {
  case core::run_state::completed:
    return exit_code::done;
  case core::run_state::cancelled:
    return exit_code::cancelled;
  default:
    break;
  }
  const auto& bad = run.report.not_completed;
  const bool late = std::any_of(bad.begin(), bad.end(), [](const actors::task_outcome& task) {
    return task.state == core::task_state::timeout;
  });
  const bool failed = std::any_of(bad.begin(), bad.end(), [](const actors::task_outcome& task) {
    return task.state == core::task_state::failed;
  });
  return late && !failed ? exit_code::timed_out : exit_code::failed;
}

actors::run_listener listen(caf::actor_system& system, event_queue& events) {
  return system.spawn(
      [&events](actors::run_listener::pointer) -> actors::run_listener::behavior_type {
        return {[&events](const actors::run_event& event) { events.push(event); }};
      });
}

} // namespace

/// One `maze-node run` from a checked workflow to its exit code.
class workflow_run {
public:
  workflow_run(const options& what, const process_limits& limits, core::workflow work)
      : what_(what), limits_(limits), work_(std::move(work)) {}

  int carry_out() {
    if (auto fine = check_enforceable(work_); !fine)
      return refuse(what_.values, fine.error(), exit_code::wrong_use);
    if (auto fine = check_destination(); !fine)
      return refuse(what_.values, fine.error(), exit_code::wrong_use);
    auto folder = private_folder::make(what_.values.dir, what_.values.keep);
    if (!folder)
      return refuse(what_.values, folder.error(), exit_code_of(folder.error().code));
    auto log = open_log(what_.values, folder->path());
    if (!log)
      return refuse(what_.values, log.error(), exit_code_of(log.error().code));
    auto node = start_node(what_.values, limits_, folder->path(), *log);
    if (!node)
      return refuse(what_.values, node.error(), exit_code_of(node.error().code));
    const int code = run_on(**node, **log);
    if (const std::string why = (*log)->failure(); !why.empty() && !what_.values.quiet)
      std::cerr << "maze-node: warning: the log has gaps: " << core::printable(why) << '\n';
    // What is left of stopped attempts ends now; whoever does not want to wait may stop that too.
    events_.release_signals();
    if (!(*node)->drain(drain_patience)) {
      std::cerr << "maze-node: an attempt takes long to stop; ending without it\n";
      std::cout.flush();
      std::error_code ignored;
      if (!what_.values.keep)
        fs::remove_all(folder->path(), ignored);
      std::_Exit(code);
    }
    if (what_.values.keep && !what_.values.quiet)
      std::cerr << "maze-node: the state is kept in " << folder->path().string() << '\n';
    return code;
  }

private:
  /// Nothing that exists is overwritten, and better said before the work than after it.
  core::result<void> check_destination() const {
    std::error_code ignored;
    if (what_.values.out && fs::exists(*what_.values.out, ignored)
        && !(fs::is_directory(*what_.values.out, ignored)
             && fs::is_empty(*what_.values.out, ignored)))
      return core::fail(core::errc::already_exists,
                        fmt::format("{} exists and is not an empty folder: choose another --out",
                                    what_.values.out->string()));
    return {};
  }

  int run_on(actors::local_node& node, io::log& log) {
    const std::string name = work_.name;
    const std::size_t total = work_.tasks.size();
    const auto started = std::chrono::system_clock::now();
    auto [work, interrupted_by] = prepare_watched(node, log);
    if (!work)
      return refuse(what_.values, work.error(),
                    interrupted_by != 0 ? exit_code::interrupted : exit_code::wrong_use);
    const actors::run_listener listener = listen(node.system(), events_);
    (*work)->listener = listener;
    auto handle = submit(node, *work);
    if (!handle)
      return refuse(what_.values, handle.error(), exit_code::refused);
    const followed_run run = run_follower(node, events_, what_).follow(*handle, name, total);
    run_report report{.name = name,
                      .run = core::to_string(handle->run),
                      .state = run.report.state,
                      .total = total,
                      .started = started.time_since_epoch(),
                      .elapsed = run.elapsed};
    std::copy(run.report.counts.begin(), run.report.counts.end(), report.counts.begin());
    for (const actors::task_outcome& task : run.report.not_completed)
      report.failed.push_back(
          {task.task, task.state, core::duration::zero(), task.reason, task.attempts});
    for (const actors::file_version& one : run.report.history)
      report.history.push_back(
          {one.path, one.task,
           one.entry.kind == core::file_kind::file ? core::to_string(one.entry.hash) : "",
           one.entry.size});
    for (const actors::left_out_path& one : run.report.left_out)
      report.left_out.push_back({one.path, one.task, {}, 0});
    for (const actors::cut_output& one : run.report.cut)
      // Without --keep the log goes with the node's folder.
      report.truncated.push_back({one.task, one.attempt, one.what.stream, one.what.total,
                                  one.what.kept, what_.values.keep ? one.what.log : std::string(),
                                  one.what.log_error});
    if (run.report.state == core::run_state::failed && !what_.values.keep)
      report.notes.emplace_back("run it again with --keep to have all output of failed attempts");
    int code = exit_code_of(run);
    if (auto brought = bring_home(node, *handle, run, report); !brought) {
      report.state = core::run_state::failed;
      report.notes.push_back("nothing came home: " + core::describe(brought.error()));
      code = std::max(code, exit_code::failed);
    }
    print(report, run);
    return code;
  }

  watched_submission prepare_watched(actors::local_node& node, io::log& log) {
    const auto work = [&](const io::snapshot_options& how) {
      return prepare(work_, fs::absolute(what_.file).parent_path(), node.blobs(), log, how);
    };
    // Most workflows without files are small, and a thread would be most of what they cost.
    if (work_.files.empty())
      return {work({}), 0};
    return watch_snapshot(events_, what_.values, work, [&](int signal) {
      std::cerr << "maze-node: stopped at once\n";
      if (!what_.values.keep)
        remove_node_folder(node.folder());
      std::_Exit(128 + signal);
    });
  }

  core::result<actors::run_handle> submit(actors::local_node& node,
                                          std::shared_ptr<const actors::submission> work) {
    core::result<actors::run_handle> out;
    caf::scoped_actor self{node.system()};
    self->request(node.master(), submit_timeout, actors::submit_run{std::move(work)})
        .receive([&](actors::run_handle& handle) { out = std::move(handle); },
                 [&](const caf::error& failed) { out = core::fail(actors::from_caf(failed)); });
    return out;
  }

  /// Files that a run published come home also when other tasks of it failed.
  core::result<void> bring_home(actors::local_node& node, const actors::run_handle& handle,
                                const followed_run& run, run_report& report) {
    if (run.report.conflict.code != core::errc::none)
      return core::fail(run.report.conflict);
    if (run.interrupted_by != 0 || run.report.published.empty())
      return {};
    const fs::path destination =
        what_.values.out.value_or(fs::path(core::run_folder_name(work_.name, handle.run)));
    auto written = io::export_files(run.report.published, work_.collect, node.blobs(), destination);
    if (!written)
      return core::fail(written.error());
    for (const auto& [path, entry] : *written)
      if (entry.kind != core::file_kind::directory)
        report.files.push_back(path);
    if (!written->empty())
      report.out = destination.string();
    else
      report.notes.push_back(
          fmt::format("nothing came home: none of the {} published paths matches "
                      "collect",
                      run.report.published.size()));
    return {};
  }

  void print(run_report& report, const followed_run& run) const {
    if (!run.report.result.empty())
      if (auto result = core::decode(run.report.result))
        report.result = std::move(*result);
    if (what_.values.output == output_form::json) {
      std::cout << json_report(report);
      return;
    }
    if (!what_.values.quiet || report.state != core::run_state::completed)
      std::cerr << summary(report, measure(what_.values));
    if (report.result)
      print_result(*report.result);
  }

  /// Text as it is, so that a pipe gets just the result; everything else as JSON.
  static void print_result(const core::value& result) {
    if (const auto* text = result.as<std::string>())
      std::cout << *text << (text->ends_with('\n') ? "" : "\n");
    else if (auto json = io::to_json(result, io::json_style::indented))
      std::cout << *json << '\n';
  }

  const options& what_;
  process_limits limits_;
  core::workflow work_;
  event_queue events_;
};

int run_workflow(const options& what) {
  const auto limits = prepare_process(tasks_at_once(what.values));
  if (!limits)
    return refuse(what.values, limits.error(), exit_code_of(limits.error().code));
  auto work = io::read_workflow(what.file);
  if (!work) {
    for (const io::diagnostic& fault : work.error())
      std::cerr << io::to_string(fault) << '\n';
    if (what.values.output == output_form::json)
      std::cout << faults_report(what.file.string(), work.error());
    return exit_code::wrong_use;
  }
  return workflow_run(what, *limits, std::move(*work)).carry_out();
}

} // namespace maze::node
