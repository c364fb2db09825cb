#pragma once

#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/registry_actor.hpp"
#include "maze/core/graph.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace maze::test {

/// A task of one core that runs `script` in a shell; its output is `run`.
inline core::task_spec shell(std::string name, std::string script = "true",
                             std::vector<std::string> after = {}) {
  core::task_spec out;
  out.name = std::move(name);
  out.action = core::shell_action{std::move(script)};
  out.output = {.keys = {{"run", "dict"}}};
  out.after = std::move(after);
  return out;
}

/// The same with a program and its arguments.
inline core::task_spec command(std::string name, const std::vector<std::string>& argv,
                               std::vector<std::string> after = {}) {
  core::task_spec out = shell(std::move(name), "", std::move(after));
  core::command_action action;
  for (const std::string& word : argv)
    action.argv.emplace_back(core::input_expression{core::value(word)});
  out.action = std::move(action);
  return out;
}

inline std::shared_ptr<const core::graph> graph_of(std::vector<core::task_spec> tasks) {
  auto built = core::graph::build(std::move(tasks));
  REQUIRE(built);
  return std::make_shared<const core::graph>(std::move(*built));
}

/// top -> left, right -> bottom
inline std::vector<core::task_spec> diamond() {
  return {shell("top"), shell("left", "true", {"top"}), shell("right", "true", {"top"}),
          shell("bottom", "true", {"left", "right"})};
}

inline actors::submission work_of(std::vector<core::task_spec> tasks, std::string name = "work") {
  actors::submission out;
  out.name = std::move(name);
  out.tasks = graph_of(std::move(tasks));
  return out;
}

inline actors::submit_run submit(actors::submission work) {
  return {std::make_shared<const actors::submission>(std::move(work))};
}

inline actors::run_bundle_ptr bundle_of(core::run_id run, std::vector<core::task_spec> tasks) {
  return std::make_shared<const actors::run_bundle>(
      actors::run_bundle{.run = run, .name = "work", .tasks = graph_of(std::move(tasks))});
}

/// Attempt `counter` of the first epoch.
inline core::attempt_id attempt(std::uint64_t counter) { return {1, counter}; }

/// `{run: text}`, encoded: what a task of `shell` publishes, in small.
inline std::string output_of(std::string text) {
  core::dict out;
  out.emplace("run", std::move(text));
  return core::encode(out).value();
}

} // namespace maze::test
