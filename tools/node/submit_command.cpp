#include "maze/core/run_name.hpp"
#include "maze/io/workflow_file.hpp"
#include "node/cluster_commands.hpp"
#include "node/commands.hpp"
#include "node/follow.hpp"
#include "node/hand_in.hpp"
#include "node/run_outcome.hpp"
#include "node/submission.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <unistd.h>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

/// Fast enough to look alive.
constexpr std::chrono::milliseconds news_interval{200};

/// Shows how a run stands, on standard error.
class run_view {
public:
  run_view(const options& what, std::string name, std::string run) : what_(what) {
    shown_.name = std::move(name);
    shown_.run = std::move(run);
    live_ = shows_live(what.values);
    plain_ = !live_ && !what.values.quiet && what.values.progress != when::never;
  }

  void show(const actors::run_news& now) {
    shown_.state = now.status.state;
    shown_.total = now.total;
    std::copy(now.status.counts.begin(), now.status.counts.end(), shown_.counts.begin());
    shown_.elapsed = std::chrono::steady_clock::now() - began_;
    shown_.eta = left_.update(shown_.elapsed, ended(shown_.counts), shown_.total);
    shown_.running.clear();
    for (const actors::running_task& task : now.status.running)
      shown_.running.push_back({task.name, task.elapsed});
    std::vector<ended_task> news;
    for (const actors::task_outcome& task : now.not_completed)
      news.push_back({task.task, task.state, {}, task.reason, task.attempts});
    if (live_)
      std::cerr << view_.redraw(live_lines(shown_, measure(what_.values))) << std::flush;
    else if (plain_)
      for (const std::string& line : lines_.update(shown_, news))
        std::cerr << line << '\n';
  }
  void clear() {
    if (live_)
      std::cerr << view_.clear() << std::flush;
  }
  [[nodiscard]] const run_status& shown() const { return shown_; }

private:
  const options& what_;
  bool live_ = false;
  bool plain_ = false;
  run_status shown_;
  live_view view_;
  plain_progress lines_;
  time_left left_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// What a signal that ends the program says: a run does not end with who watches it.
class farewell {
public:
  explicit farewell(const std::string& run) {
    text_ = fmt::format(
        "\nmaze-node: run {0} goes on; maze-node logs, tasks, result or cancel {0}\n", run);
    struct sigaction act {};
    act.sa_handler = [](int signal) {
      [[maybe_unused]] const auto told = ::write(STDERR_FILENO, text_.data(), text_.size());
      ::_exit(128 + signal);
    };
    for (const int signal : {SIGINT, SIGTERM})
      ::sigaction(signal, &act, nullptr);
  }
  farewell(const farewell&) = delete;
  farewell& operator=(const farewell&) = delete;
  ~farewell() {
    for (const int signal : {SIGINT, SIGTERM})
      ::signal(signal, SIG_DFL);
  }

private:
  /// Stays as it is while the handler may run.
  static inline std::string text_;
};

core::result<int> await_end(const command_session& in, const std::string& name, core::run_id run) {
  const farewell on_signal(core::to_string(run));
  run_view view(in.what, name, core::to_string(run));
  const auto followed = in.cluster.follow(run, news_interval, [&](const actors::run_news& news) {
    view.show(news);
    return true;
  });
  view.clear();
  if (!followed)
    return core::fail(followed.error());
  const auto told = in.cluster.report(run);
  if (!told)
    return core::fail(told.error());
  const auto row = in.cluster.find(core::to_string(run));
  if (!row)
    return core::fail(row.error());
  run_report report = report_of(*told, {.name = name,
                                        .run = core::to_string(run),
                                        .total = view.shown().total,
                                        .started = row->accepted});
  int code = exit_code_of(*told);
  if (told->conflict.code != core::errc::none) {
    report.state = core::run_state::failed;
    report.notes.push_back("nothing came home: " + core::describe(told->conflict));
    code = std::max(code, exit_code::failed);
  } else if (!told->published.empty()) {
    const fs::path destination =
        in.what.values.out.value_or(fs::path(core::run_folder_name(name, run)));
    const auto written = bring_home(in, *told, row->collect, destination);
    if (!written) {
      report.notes.push_back("nothing came home: " + core::describe(written.error()));
      code = std::max(code, exit_code::failed);
    } else {
      for (const auto& [path, entry] : *written)
        if (entry.kind != core::file_kind::directory)
          report.files.push_back(path);
      if (!written->empty())
        report.out = destination.string();
    }
  }
  if (in.what.values.output == output_form::json) {
    std::cout << json_report(report);
  } else {
    if (!in.what.values.quiet || report.state != core::run_state::completed)
      std::cerr << summary(report, measure(in.what.values));
    if (report.result)
      std::cout << result_text(*report.result);
  }
  return code;
}

} // namespace

core::result<int> submit_workflow(const command_session& in) {
  auto work = io::read_workflow(in.what.file);
  if (!work) {
    for (const io::diagnostic& fault : work.error())
      std::cerr << io::to_string(fault) << '\n';
    if (in.what.values.output == output_form::json)
      std::cout << faults_report(in.what.file.string(), work.error());
    return exit_code::wrong_use;
  }
  for (const std::string& each : work->warnings)
    warn(in.what.values, each);
  const auto options =
      seen_from(in.what.values.sandbox_option, fs::absolute(in.what.file).parent_path());
  if (auto fine = settle_sandboxes(*work, {options, {}}); !fine)
    return core::fail(located(fine.error(), in.what.file));
  if (auto fine = check_enforceable(*work); !fine)
    return core::fail(located(fine.error(), in.what.file));
  if (origin_of(in.what, "out").starts_with("flag") && !in.what.flags.wait)
    return core::fail(core::errc::invalid_argument,
                      "--out needs --wait, for files come home when the run has ended; later: "
                      "maze-node files RUN --out DIR",
                      "submit");
  if (auto fine = check_destination(in.what.values); !fine)
    return core::fail(fine.error());
  const std::string name = work->name;
  const auto run = hand_in({in.cluster, in.address}, std::move(*work),
                           {.folder = fs::absolute(in.what.file).parent_path(),
                            .id = in.what.flags.id,
                            .warn = [&](const std::string& each) { warn(in.what.values, each); }});
  if (!run)
    return core::fail(located(run.error(), in.what.file));
  if (in.what.flags.wait)
    return await_end(in, name, *run);
  if (in.what.values.output == output_form::json)
    std::cout << nlohmann::json{{"run", core::to_string(*run)}, {"name", name}}.dump() << '\n';
  else
    std::cout << core::to_string(*run) << '\n';
  return exit_code::done;
}

} // namespace maze::node
