#include "maze/core/sandbox_policy.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

sandbox_options options(const sandbox_spec& values) { return {values, parts_of(values)}; }

std::string refusal(sandbox_spec sandbox, const sandbox_spec& bounds) {
  const auto held = hold_to(sandbox, options(bounds));
  REQUIRE_FALSE(held);
  CHECK(held.error().code == errc::permission_denied);
  return held.error().message;
}

sandbox_spec held(sandbox_spec sandbox, const sandbox_spec& bounds) {
  REQUIRE(hold_to(sandbox, options(bounds)));
  return sandbox;
}

} // namespace

TEST_CASE("the parts of a sandbox are those that say something", "[core][sandbox]") {
  CHECK(parts_of({}) == sandbox_parts{});
  const auto some = parts_of({.level = sandbox_level::seccomp, .memory = byte_count{1}});
  CHECK(some.has(sandbox_part::level));
  CHECK(some.has(sandbox_part::memory));
  CHECK_FALSE(some.has(sandbox_part::timeout));
}

TEST_CASE("a default counts for a part that nobody wrote", "[core][sandbox]") {
  const auto defaults = options({.level = sandbox_level::seccomp,
                                 .wall_time = 5s,
                                 .memory = byte_count{1 << 30},
                                 .readable = {"/opt"}});
  sandbox_spec sandbox;
  sandbox.memory = byte_count{2 << 20};
  sandbox_parts written;
  written.add(sandbox_part::memory);
  written.add(sandbox_part::timeout);
  fill(sandbox, written, defaults);
  CHECK(sandbox.level == sandbox_level::seccomp);
  CHECK(sandbox.memory == byte_count{2 << 20});
  CHECK_FALSE(sandbox.wall_time);
  CHECK(sandbox.readable == std::vector<std::string>{"/opt"});
  // What was filled in counts as written: the next ones have no say.
  fill(sandbox, written, options({.level = sandbox_level::none, .readable = {"/srv"}}));
  CHECK(sandbox.readable == std::vector<std::string>{"/opt"});
}

TEST_CASE("a default is left out where the task's own level cannot have it", "[core][sandbox]") {
  const auto defaults = options({.level = sandbox_level::seccomp,
                                 .wall_time = 5s,
                                 .memory = byte_count{1 << 30},
                                 .network = true,
                                 .readable = {"/opt"}});
  sandbox_parts written;
  written.add(sandbox_part::level);
  sandbox_spec none{.level = sandbox_level::none};
  auto said = written;
  fill(none, said, defaults);
  CHECK(none == sandbox_spec{.level = sandbox_level::none, .wall_time = 5s});
  sandbox_spec plain{.level = sandbox_level::subprocess};
  said = written;
  fill(plain, said, defaults);
  CHECK(plain.memory);
  CHECK(plain.readable.empty());
  CHECK_FALSE(plain.network);
}

TEST_CASE("a part of a task that says something is no default's to say", "[core][sandbox]") {
  task_spec task;
  task.action = shell_action{"true"};
  task.sandbox.memory = byte_count{1 << 20};
  fill(task, options({.memory = byte_count{1 << 30}, .processes = 9}));
  CHECK(task.sandbox.memory == byte_count{1 << 20});
  CHECK(task.sandbox.processes == 9U);
  CHECK(task.written.sandbox.has(sandbox_part::memory));
  // Twice is no more than once.
  const auto before = task;
  fill(task, options({.processes = 5}));
  CHECK(task == before);
}

TEST_CASE("imports are filled in for Python functions alone", "[core][sandbox]") {
  const auto defaults = options({.imports = std::vector<std::string>{"json"}});
  task_spec task;
  task.action = shell_action{"true"};
  fill(task, defaults);
  CHECK_FALSE(task.sandbox.imports);
  task_spec python;
  python.action = python_action{.text = "def f(): return 1"};
  fill(python, defaults);
  CHECK(python.sandbox.imports == std::vector<std::string>{"json"});
}

TEST_CASE("a bound is set where nothing was, and kept where less was", "[core][sandbox]") {
  const sandbox_spec bounds{
      .level = sandbox_level::subprocess, .cpu_time = 60s, .memory = byte_count{1 << 30}};
  const auto set = held({.level = sandbox_level::none, .cpu_time = std::nullopt}, bounds);
  CHECK(set.level == sandbox_level::subprocess);
  CHECK(set.memory == byte_count{1 << 30});
  CHECK(set.cpu_time == duration(60s));
  CHECK(held({.memory = byte_count{1 << 20}}, bounds).memory == byte_count{1 << 20});
  CHECK(check_sandbox(set));
}

TEST_CASE("a level is a minimum, and tasks with a higher one keep it", "[core][sandbox]") {
  const sandbox_options sealed{{.level = sandbox_level::seccomp}, [] {
                                 sandbox_parts out;
                                 out.add(sandbox_part::level);
                                 return out;
                               }()};
  sandbox_spec sandbox;
  REQUIRE(hold_to(sandbox, sealed));
  CHECK(sandbox.level == sandbox_level::seccomp);
  sandbox.level = sandbox_level::container;
  REQUIRE(hold_to(sandbox, sealed));
  CHECK(sandbox.level == sandbox_level::container);
}

TEST_CASE("more than a bound is refused by the name of the part", "[core][sandbox]") {
  CHECK_THAT(refusal({.memory = byte_count{2'000'000'000}}, {.memory = byte_count{1'000'000'000}}),
             Contains("`memory` of 2GB") && Contains("at most 1GB"));
  CHECK_THAT(refusal({.wall_time = 2min}, {.wall_time = 1min}), Contains("`timeout`"));
  CHECK_THAT(refusal({.cpu_time = 2min}, {.cpu_time = 1min}), Contains("`cpu_time`"));
  CHECK_THAT(refusal({.cpu_share = 200}, {.cpu_share = 100}),
             Contains("`cpu_share` of 200") && Contains("at most 100"));
  CHECK_THAT(refusal({.processes = 9}, {.processes = 8}), Contains("`processes` of 9"));
  CHECK_THAT(refusal({.disk = byte_count{2}}, {.disk = byte_count{1}}), Contains("`disk`"));
  CHECK_THAT(refusal({.file_size = byte_count{2}}, {.file_size = byte_count{1}}),
             Contains("`file_size`"));
  CHECK_THAT(refusal({.open_files = 2}, {.open_files = 1}), Contains("`open_files`"));
  CHECK_THAT(refusal({.address_space = byte_count{2}}, {.address_space = byte_count{1}}),
             Contains("`address_space`"));
  CHECK_THAT(refusal({.level = sandbox_level::seccomp, .network = true},
                     {.level = sandbox_level::seccomp, .network = false}),
             Contains("`network: true`"));
}

TEST_CASE("what a node may leave out cannot be bounded", "[core][sandbox]") {
  CHECK_THAT(refusal({.degrade = true}, {.level = sandbox_level::seccomp}),
             Contains("`degrade: allow`") && Contains("seccomp"));
  CHECK_THAT(refusal({.degrade = true}, {.cpu_share = 100}), Contains("`degrade: allow`"));
  CHECK(held({.degrade = true}, {.memory = byte_count{1 << 30}}).memory);
}

TEST_CASE("only levels, limits and the lack of a network are bounds", "[core][sandbox]") {
  CHECK(check_bounds(
      options({.level = sandbox_level::seccomp, .memory = byte_count{1 << 30}, .network = false})));
  for (const auto& wrong :
       {sandbox_spec{.filesystem = false}, sandbox_spec{.readable = {"/a"}},
        sandbox_spec{.writable = {"/a"}}, sandbox_spec{.syscalls = {"@ipc"}},
        sandbox_spec{.variables = {"A"}}, sandbox_spec{.imports = std::vector<std::string>{}},
        sandbox_spec{.degrade = true}, sandbox_spec{.kill_on_violation = true}})
    CHECK_THAT(check_bounds(options(wrong)).error().message, Contains("cannot be a bound"));
  CHECK_THAT(check_bounds(options({.network = true})).error().message, Contains("only be false"));
}

TEST_CASE("what only level seccomp has is no default for containers", "[core][sandbox]") {
  const auto defaults = options({.kill_on_violation = true});
  sandbox_parts written;
  sandbox_spec contained{.level = sandbox_level::container};
  fill(contained, written, defaults);
  CHECK_FALSE(contained.kill_on_violation);
  sandbox_spec sealed{.level = sandbox_level::seccomp};
  fill(sealed, written, defaults);
  CHECK(sealed.kill_on_violation);
}

TEST_CASE("what only a container has is a default for containers, and its /tmp has a bound",
          "[core][sandbox]") {
  const auto defaults =
      options({.image = "debian:12", .temporary = byte_count{1 << 20}, .reuse = true});
  sandbox_parts written;
  sandbox_spec contained{.level = sandbox_level::container};
  fill(contained, written, defaults);
  CHECK(contained.image == "debian:12");
  CHECK(contained.temporary == byte_count{1 << 20});
  CHECK(contained.reuse == true);
  written = {};
  sandbox_spec sealed{.level = sandbox_level::seccomp};
  fill(sealed, written, defaults);
  CHECK(sealed == sandbox_spec{.level = sandbox_level::seccomp});
  const auto bounds = options({.temporary = byte_count{1 << 19}});
  CHECK(check_bounds(bounds));
  CHECK_FALSE(hold_to(contained, bounds));
  REQUIRE(hold_to(sealed, bounds));
  CHECK_FALSE(sealed.temporary);
  CHECK(check_bounds(options({.image = "debian:12"})).error().message.find("`image`")
        != std::string::npos);
  CHECK(check_bounds(options({.level = sandbox_level::container})).error().message.find("container")
        != std::string::npos);
}

TEST_CASE("a policy's defaults count where its own bound made the level that can have them",
          "[core][sandbox]") {
  const sandbox_policy policy{
      .defaults = options({.memory = byte_count{1 << 20}, .readable = {"/opt"}}),
      .bounds = options({.level = sandbox_level::seccomp, .memory = byte_count{1 << 30}})};
  task_spec task;
  task.action = shell_action{"true"};
  task.sandbox.level = sandbox_level::none;
  REQUIRE(settle(task, policy));
  CHECK(task.sandbox.level == sandbox_level::seccomp);
  CHECK(task.sandbox.memory == byte_count{1 << 20});
  CHECK(task.sandbox.readable == std::vector<std::string>{"/opt"});
  sandbox_spec greedy{.level = sandbox_level::seccomp,
                      .memory = byte_count{std::uint64_t{2} << 30}};
  sandbox_parts written = parts_of(greedy);
  const auto refused = settle(greedy, written, policy);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::permission_denied);
}
