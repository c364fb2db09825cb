#pragma once

#include "maze/actors/errors.hpp"
#include "maze/actors/local_node.hpp"
#include "support/builders.hpp"
#include "support/scratch_dir.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace maze::test {

/// A whole node in this process, with real children, in a folder of its own.
class local_cluster {
public:
  using change = std::function<void(actors::node_settings&)>;

  explicit local_cluster(std::uint32_t cores = 4, const change& adjust = {}) {
    auto log = io::log::open({.file = folder_ / "node.log"});
    REQUIRE(log);
    actors::node_settings settings;
    settings.folder = folder_ / "state";
    settings.total = {.cpu_millis = cores * 1000, .memory = {std::uint64_t{4} << 30}};
    settings.durable = false;
    settings.init_executable = MAZE_BIN_DIR "/maze-init";
    if (adjust)
      adjust(settings);
    auto started = actors::local_node::start(settings, std::move(*log));
    if (!started)
      FAIL(core::describe(started.error()));
    node_ = std::move(*started);
  }

  [[nodiscard]] actors::local_node& node() { return *node_; }

  /// Makes these contents the snapshot of `work`.
  void give(actors::submission& work, const std::map<std::string, std::string>& files) {
    for (const auto& [path, content] : files) {
      const auto blob = node_->blobs().put_bytes(content);
      REQUIRE(blob);
      work.files[path] = {.hash = blob->hash, .size = blob->size};
    }
  }
  [[nodiscard]] std::string content(const core::file_map& files, const std::string& path) {
    const auto found = files.find(path);
    if (found == files.end())
      FAIL("nothing was published under " << path);
    return read(node_->blobs().path_of(found->second.hash));
  }
  [[nodiscard]] static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  actors::run_handle start(actors::submission work) {
    actors::run_handle out;
    caf::scoped_actor self{node_->system()};
    self->request(node_->master(), patience, submit(std::move(work)))
        .receive([&](const actors::run_handle& run) { out = run; }, give_up);
    return out;
  }
  /// The run as it stands.
  actors::run_report report(const actors::run_handle& run) {
    actors::run_report out;
    caf::scoped_actor self{node_->system()};
    self->request(run.context, patience, actors::ask_report{})
        .receive([&](const actors::run_report& told) { out = told; }, give_up);
    return out;
  }
  /// The same once the run has ended.
  actors::run_report await(const actors::run_handle& run) {
    caf::scoped_actor self{node_->system()};
    for (actors::run_news news; !news.ended;)
      self->request(run.context, patience, actors::await_news{news.next, std::chrono::seconds(10)})
          .receive([&](const actors::run_news& told) { news = told; }, give_up);
    return report(run);
  }

  /// Submits all at once, waits until the last has ended, gives back what became of each.
  std::vector<actors::run_report> run_all(std::vector<actors::submission> works) {
    caf::scoped_actor self{node_->system()};
    std::vector<actors::dag_context_actor> runs;
    for (actors::submission& work : works) {
      work.listener = caf::actor_cast<actors::run_listener>(caf::actor{self});
      self->request(node_->master(), patience, submit(std::move(work)))
          .receive([&](const actors::run_handle& run) { runs.push_back(run.context); }, give_up);
    }
    for (std::size_t ended = 0; ended < runs.size();)
      self->receive([&](const actors::run_event& news) { ended += news.ended ? 1 : 0; },
                    caf::after(patience) >> [] { FAIL("the runs did not end in time"); });
    std::vector<actors::run_report> out;
    for (const auto& run : runs)
      self->request(run, patience, actors::ask_report{})
          .receive([&](const actors::run_report& report) { out.push_back(report); }, give_up);
    return out;
  }
  actors::run_report run(actors::submission work) {
    std::vector<actors::submission> one;
    one.push_back(std::move(work));
    return run_all(std::move(one)).at(0);
  }

private:
  static constexpr std::chrono::seconds patience{100};
  static void give_up(const caf::error& failed) { FAIL(core::describe(actors::from_caf(failed))); }

  scratch_dir folder_;
  std::unique_ptr<actors::local_node> node_;
};

/// How a task ended badly, or an error without a code where it completed.
inline core::error reason_of(const actors::run_report& report, const std::string& task) {
  for (const actors::task_outcome& outcome : report.not_completed)
    if (outcome.task == task)
      return outcome.reason;
  return {};
}

/// The states of the tasks that did not complete, by name.
inline std::map<std::string, core::task_state> ends_of(const actors::run_report& report) {
  std::map<std::string, core::task_state> out;
  for (const actors::task_outcome& outcome : report.not_completed)
    out[outcome.task] = outcome.state;
  return out;
}

} // namespace maze::test
