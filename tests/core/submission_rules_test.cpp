#include "maze/core/submission_rules.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using Catch::Contains;

namespace {

submission_form form_of(const std::string& name, const sandbox_spec& sandbox) {
  submission_form out;
  task_spec task;
  task.name = name;
  task.action = python_action{.text = "def f(): return 1"};
  task.sandbox = sandbox;
  task.written.sandbox = parts_of(sandbox);
  out.tasks.push_back(task);
  return out;
}

sandbox_options saying(const sandbox_spec& values) { return {values, parts_of(values)}; }

permission_set without_commands() {
  permission_set commands;
  commands.add(permission::system_commands);
  return permission_set::all().without(commands);
}

} // namespace

TEST_CASE("code of whoever may not do everything is looked at sealed", "[core][submission_rules]") {
  CHECK_FALSE(must_seal({}, {}));
  submission_rules rules;
  rules.permitted = permission_set{};
  CHECK(must_seal(rules, {}));
  CHECK(must_seal({}, {.name = "client anna", .permitted = permission_set{}}));
  submission_rules bounded;
  bounded.sandbox.bounds.values.level = sandbox_level::seccomp;
  CHECK_FALSE(must_seal(bounded, {}));
  bounded.sandbox.bounds.said.add(sandbox_part::level);
  CHECK(must_seal(bounded, {}));
  bounded.sandbox.bounds.values.level = sandbox_level::subprocess;
  CHECK_FALSE(must_seal(bounded, {}));
}

TEST_CASE("without rules what is handed in stays as it is", "[core][rules]") {
  auto form = form_of("a", {.memory = byte_count{1 << 30}});
  form.calls = call_plan{};
  const auto before = form;
  REQUIRE(hold_to(form, {}));
  CHECK(form == before);
}

TEST_CASE("the cluster's defaults count behind the task's own words, its bounds above all",
          "[core][rules]") {
  submission_rules rules;
  rules.sandbox.defaults =
      saying({.level = sandbox_level::seccomp, .memory = byte_count{1 << 29}, .processes = 64});
  rules.sandbox.bounds = saying({.memory = byte_count{1 << 30}, .disk = byte_count{1 << 30}});
  auto form = form_of("a", {.memory = byte_count{1 << 28}});
  form.calls = call_plan{};
  REQUIRE(hold_to(form, rules));
  const sandbox_spec& task = form.tasks.front().sandbox;
  CHECK(task.level == sandbox_level::seccomp);
  CHECK(task.memory == byte_count{1 << 28});
  CHECK(task.processes == 64U);
  CHECK(task.disk == byte_count{1 << 30});
  CHECK(form.calls->sandbox.memory == byte_count{1 << 29});
  CHECK(form.calls->sandbox.disk == byte_count{1 << 30});
  auto greedy = form_of("greedy", {.memory = byte_count{std::uint64_t{2} << 30}});
  const auto refused = hold_to(greedy, rules);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::permission_denied);
  CHECK(refused.error().origin == "submit:greedy");
  CHECK_THAT(refused.error().message, Contains("task 'greedy'") && Contains("`memory`"));
}

TEST_CASE("what a level that a bound raised can have is a default for it, too", "[core][rules]") {
  submission_rules rules;
  rules.sandbox.defaults = saying({.level = sandbox_level::seccomp, .kill_on_violation = true});
  rules.sandbox.bounds = saying({.level = sandbox_level::seccomp, .memory = byte_count{1 << 30}});
  auto form = form_of("a", {.memory = byte_count{1 << 28}});
  form.tasks.front().written.sandbox.add(sandbox_part::level);
  form.calls = call_plan{};
  REQUIRE(hold_to(form, rules));
  const sandbox_spec& task = form.tasks.front().sandbox;
  CHECK(task.level == sandbox_level::seccomp);
  CHECK(task.kill_on_violation);
  CHECK(task.memory == byte_count{1 << 28});
  CHECK(form.calls->sandbox.kill_on_violation);
}

TEST_CASE("a sandbox that contradicts the bounds is refused with its task", "[core][rules]") {
  submission_rules rules;
  rules.sandbox.bounds = saying({.memory = byte_count{1}});
  auto form = form_of("a", {.level = sandbox_level::seccomp, .syscalls = {"@ipc"}});
  const auto refused = hold_to(form, rules);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK_THAT(refused.error().message, Contains("task 'a'") && Contains("memory"));
}

TEST_CASE("a task that needs what is not permitted is refused by the permission's name",
          "[core][rules]") {
  const submission_rules rules{.sandbox = {}, .permitted = without_commands()};
  auto sealed = form_of("a", {.level = sandbox_level::seccomp});
  CHECK(hold_to(sealed, rules));
  auto command = sealed;
  command.tasks.front().action = shell_action{"true"};
  const auto refused = hold_to(command, rules);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::permission_denied);
  CHECK_THAT(refused.error().message, Contains("task 'a'")
                                          && Contains("needs the permission system_commands")
                                          && Contains("read_files, write_files, network_access"));
  auto calls = sealed;
  calls.calls = call_plan{};
  CHECK_THAT(hold_to(calls, rules).error().message, Contains("calls: "));
  calls.calls->sandbox.level = sandbox_level::seccomp;
  CHECK(hold_to(calls, rules));
}

TEST_CASE("who hands in is held to what a join file gives, and told whose it is", "[core][rules]") {
  const submitter anna{.name = "client anna", .permitted = without_commands()};
  auto sealed = form_of("a", {.level = sandbox_level::seccomp});
  CHECK(hold_to(sealed, {}, anna));
  auto command = sealed;
  command.tasks.front().action = shell_action{"true"};
  const auto refused = hold_to(command, {}, anna);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::permission_denied);
  CHECK(refused.error().origin == "submit:a");
  CHECK_THAT(refused.error().message,
             Catch::StartsWith("task 'a': needs the permission system_commands, which the join "
                               "file of client anna does not give: it gives read_files, ")
                 && Contains("--permit"));
  CHECK(hold_to(command, {}, submitter{.name = "client ops"}));
  auto calls = sealed;
  calls.calls = call_plan{};
  CHECK_THAT(hold_to(calls, {}, anna).error().message,
             Catch::StartsWith("calls: needs the permission system_commands"));
  // What neither gives is the cluster's to say: another join file would not help.
  CHECK_THAT(
      hold_to(command, {.sandbox = {}, .permitted = without_commands()}, anna).error().message,
      Contains("this cluster does not give"));
}

TEST_CASE("a default that seals tasks lowers what they need", "[core][rules]") {
  submission_rules rules{.sandbox = {}, .permitted = {}};
  auto form = form_of("a", {});
  CHECK_FALSE(hold_to(form, rules));
  rules.sandbox.defaults = saying({.level = sandbox_level::seccomp});
  CHECK(hold_to(form, rules));
}
