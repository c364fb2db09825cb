#include "maze/actors/errors.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/export.hpp"
#include "maze/io/workflow_file.hpp"
#include "node/commands.hpp"
#include "node/follow.hpp"
#include "node/private_cluster.hpp"
#include "node/private_node.hpp"
#include "node/report.hpp"
#include "node/run_outcome.hpp"
#include "node/submission.hpp"
#include "node/watched_snapshot.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds submit_timeout{60};
/// For worker processes that were told to end.
constexpr std::chrono::seconds workers_patience{15};

int outcome_of(const followed_run& run) {
  return run.interrupted_by != 0 ? exit_code::interrupted : exit_code_of(run.report);
}

actors::run_listener listen(caf::actor_system& system, event_queue& events) {
  return system.spawn(
      [&events](actors::run_listener::pointer) -> actors::run_listener::behavior_type {
        return {[&events](const actors::run_event& event) { events.push(event); }};
      });
}

fs::path folder_of(const fs::path& file) { return fs::absolute(file).parent_path(); }

} // namespace

/// One `maze-node run` from a checked workflow to its exit code.
class workflow_run {
public:
  workflow_run(const options& what, const process_limits& limits, core::workflow work)
      : what_(what), limits_(limits), work_(std::move(work)) {}

  int carry_out() {
    if (auto fine =
            settle_sandboxes(work_, {seen_from(what_.values.sandbox_option, folder_of(what_.file)),
                                     what_.values.sandbox_limit});
        !fine)
      return refuse(what_.values, located(fine.error(), what_.file),
                    exit_code_of(fine.error().code));
    for (const auto& check : {check_enforceable, check_containers})
      if (auto fine = check(work_); !fine)
        return refuse(what_.values, located(fine.error(), what_.file), exit_code::wrong_use);
    if (const auto& jobs = what_.values.jobs; jobs && *jobs < what_.flags.workers)
      return refuse(what_.values,
                    {.code = core::errc::invalid_argument,
                     .message = fmt::format("{} workers cannot share {} tasks at once: lower "
                                            "--workers or raise --jobs",
                                            what_.flags.workers, *jobs),
                     .origin = "run"},
                    exit_code::wrong_use);
    if (auto fine = check_offer(what_.values); !fine)
      return refuse(what_.values, fine.error(), exit_code::wrong_use);
    if (auto fine = check_destination(what_.values); !fine)
      return refuse(what_.values, fine.error(), exit_code::wrong_use);
    auto folder = private_folder::make(what_.values.dir, what_.values.keep);
    if (!folder)
      return refuse(what_.values, folder.error(), exit_code_of(folder.error().code));
    auto log = open_log(what_.values, folder->path());
    if (!log)
      return refuse(what_.values, log.error(), exit_code_of(log.error().code));
    auto users = claim_users(what_.values);
    if (!users)
      return refuse(what_.values, users.error(), exit_code_of(users.error().code));
    auto node = start_node(folder->path(), *users, *log);
    if (!node)
      return refuse(what_.values, node.error(), exit_code_of(node.error().code));
    std::unique_ptr<private_cluster> cluster;
    if (what_.flags.workers > 0) {
      auto opened =
          private_cluster::open(what_.values, what_.flags.workers, **node, folder->path(), **log,
                                [this](const std::string& why) { events_.request_end(why); });
      if (!opened)
        return refuse(what_.values, opened.error(), exit_code_of(opened.error().code));
      cluster = std::move(*opened);
    }
    const int code = run_on(**node, **log);
    if (cluster)
      end_workers(cluster->workers());
    cluster.reset();
    if (const std::string why = (*log)->failure(); !why.empty() && !what_.values.quiet)
      std::cerr << "maze-node: warning: the log has gaps: " << core::printable(why) << '\n';
    // What is left of stopped attempts ends now; whoever does not want to wait may stop that too. After a
    // run that ended by itself only its state is left to remove, and that is done in any case.
    if (code == exit_code::interrupted)
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
  core::result<std::unique_ptr<actors::local_node>>
  start_node(const fs::path& folder, const std::optional<user_range>& users,
             std::shared_ptr<io::log> log) {
    auto node = node_settings_of(what_.values, limits_, folder, users);
    if (!node)
      return core::fail(node.error());
    node->durable = what_.values.keep;
    node->warm_children =
        std::any_of(work_.tasks.begin(), work_.tasks.end(),
                    [](const core::task_spec& task) { return core::is_kept(task.child); });
    if (what_.flags.workers > 0) {
      node->name = private_cluster::own_name();
      node->works = false;
      node->serves = {.cluster = node->name, .version = MAZE_VERSION, .on_shut_down = [this] {
                        events_.request_end("a client asked for the end");
                      }};
    }
    return actors::local_node::start(*node, std::move(log));
  }

  /// Whoever does not want to wait for them may stop that with another signal.
  void end_workers(worker_processes& workers) {
    workers.begin_end();
    const auto until = std::chrono::steady_clock::now() + workers_patience;
    while (!workers.ends_within(std::chrono::milliseconds(100))
           && std::chrono::steady_clock::now() < until) {
      const auto event = events_.wait(std::chrono::milliseconds(0));
      if (event && std::holds_alternative<interruption>(*event))
        return;
    }
  }

  int run_on(actors::local_node& node, io::log& log) {
    const std::string name = work_.name;
    const std::size_t total = work_.tasks.size();
    const auto started = std::chrono::system_clock::now();
    auto [work, interrupted_by] = prepare_watched(node, log);
    if (!work)
      return refuse(what_.values, located(work.error(), what_.file),
                    interrupted_by != 0 ? exit_code::interrupted : exit_code::wrong_use);
    for (const std::string& each : core::oversized_code(work_.tasks, (*work)->libraries))
      warn(what_.values, each);
    // All are known by now.
    for (const auto& [library, content] : (*work)->libraries)
      if (const auto described = node.libraries().describe(library, content.hash))
        for (const std::string& each : (*described)->warnings)
          warn(what_.values, fmt::format("library {}: {}", library, each));
    const actors::run_listener listener = listen(node.system(), events_);
    (*work)->listener = listener;
    auto handle = submit(node, *work);
    if (!handle)
      return refuse(what_.values, located(handle.error(), what_.file), exit_code::refused);
    const followed_run run = run_follower(node, events_, what_).follow(*handle, name, total);
    run_report report = report_of(run.report, {.name = name,
                                               .run = core::to_string(handle->run),
                                               .total = total,
                                               .started = started.time_since_epoch()});
    if (!what_.values.keep)
      // The logs go with the node's folder.
      for (auto& one : report.truncated)
        one.log.clear();
    if (run.report.state == core::run_state::failed && !what_.values.keep)
      report.notes.emplace_back("run it again with --keep to have all output of failed attempts");
    int code = outcome_of(run);
    if (auto brought = bring_home(node, *handle, run, report); !brought) {
      report.state = core::run_state::failed;
      report.notes.push_back("nothing came home: " + core::describe(brought.error()));
      code = std::max(code, exit_code::failed);
    }
    print(report);
    return code;
  }

  watched_submission prepare_watched(actors::local_node& node, io::log& log) {
    const auto work = [&](const io::snapshot_options& how) {
      return prepare(work_, folder_of(what_.file), node.blobs(), log, how, &node.libraries());
    };
    // Most workflows without files are small, and a thread would be most of what they cost.
    if (work_.files.empty()
        && std::none_of(work_.tasks.begin(), work_.tasks.end(), [](const core::task_spec& task) {
             return core::carried_archive(task.sandbox) != nullptr;
           }))
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

  /// Files that a run published come home also when other tasks of it failed, or it was interrupted.
  core::result<void> bring_home(actors::local_node& node, const actors::run_handle& handle,
                                const followed_run& run, run_report& report) {
    if (run.report.conflict.code != core::errc::none)
      return core::fail(run.report.conflict);
    if (run.report.published.empty())
      return {};
    // Whoever does not want to wait for them may stop this, too.
    if (run.interrupted_by != 0)
      events_.release_signals();
    const fs::path destination =
        what_.values.out.value_or(fs::path(core::run_folder_name(work_.name, handle.run)));
    auto written = io::export_files(run.report.published, work_.collect, node.blobs(), destination);
    if (!written)
      return rescue(node, handle, run, report, written.error());
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

  /// The run's work is done: what does not fit where it was wanted is kept where the state lies.
  core::result<void> rescue(actors::local_node& node, const actors::run_handle& handle,
                            const followed_run& run, run_report& report, const core::error& why) {
    const fs::path refuge =
        fs::absolute(what_.values.dir) / "rescued" / core::run_folder_name(work_.name, handle.run);
    const auto written =
        io::export_files(run.report.published, work_.collect, node.blobs(), refuge);
    if (written)
      report.notes.push_back(
          fmt::format("the files are in {}: move them from there", refuge.string()));
    return core::fail(why);
  }

  void print(const run_report& report) const {
    if (what_.values.output == output_form::json) {
      std::cout << json_report(report) << std::flush;
      return;
    }
    if (!what_.values.quiet || report.state != core::run_state::completed)
      std::cerr << summary(report, measure(what_.values));
    if (report.result)
      std::cout << result_text(*report.result);
    // What is left to end may take a moment, and nobody is to wait for that.
    std::cout.flush();
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
  for (const std::string& each : work->warnings)
    warn(what.values, each);
  return workflow_run(what, *limits, std::move(*work)).carry_out();
}

} // namespace maze::node
