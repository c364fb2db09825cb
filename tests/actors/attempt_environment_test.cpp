#include "maze/actors/attempt_environment.hpp"

#include "support/builders.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;

namespace {

const attempt_labels labels{.run = "3x7k", .task = "count", .number = 2};
const base_environment base{.path = "/bin", .lang = "C.UTF-8", .time_zone = ""};

/// The value of `name`, or nothing where the child would not have it.
std::optional<std::string> find(const std::vector<std::string>& environment,
                                const std::string& name) {
  std::optional<std::string> out;
  for (const std::string& entry : environment)
    if (entry.rfind(name + '=', 0) == 0) {
      CHECK_FALSE(out);
      out = entry.substr(name.size() + 1);
    }
  return out;
}

std::vector<std::string> environment_of(const core::task_spec& spec,
                                        const core::resolved_call& call,
                                        const base_environment& from = base) {
  auto out = attempt_environment(from, labels, "/view", spec, call);
  REQUIRE(out);
  return *out;
}

} // namespace

TEST_CASE("a child knows its run, its task and which attempt it is", "[actors][environment]") {
  const auto out = environment_of(test::shell("count"), {});
  CHECK(find(out, "PATH") == "/bin");
  CHECK(find(out, "HOME") == "/view");
  CHECK(find(out, "LANG") == "C.UTF-8");
  CHECK(find(out, "MAZE_RUN") == "3x7k");
  CHECK(find(out, "MAZE_TASK") == "count");
  CHECK(find(out, "MAZE_ATTEMPT") == "2");
  CHECK(out.size() == 6);
}

TEST_CASE("nothing of the node's own environment reaches a child", "[actors][environment]") {
  ::setenv("MAZE_TEST_OF_THE_NODE", "seen", 1);
  const auto out = environment_of(test::shell("count"), {}, base_environment::of_this_process());
  ::unsetenv("MAZE_TEST_OF_THE_NODE");
  CHECK_FALSE(find(out, "MAZE_TEST_OF_THE_NODE"));
  CHECK(find(out, "PATH") == base_environment{}.path);
}

TEST_CASE("what the owner of a node lets out reaches a child that asks for it",
          "[actors][environment]") {
  ::setenv("MAZE_TEST_LET_OUT", "seen", 1);
  const auto from = base_environment::of_this_process({"MAZE_TEST_LET_OUT", "MAZE_TEST_NOT_SET"});
  ::unsetenv("MAZE_TEST_LET_OUT");
  auto spec = test::shell("count");
  CHECK_FALSE(find(environment_of(spec, {}, from), "MAZE_TEST_LET_OUT"));
  spec.sandbox.variables = {"MAZE_TEST_LET_OUT", "MAZE_TEST_NOT_SET"};
  CHECK(find(environment_of(spec, {}, from), "MAZE_TEST_LET_OUT") == "seen");
  CHECK_FALSE(find(environment_of(spec, {}, from), "MAZE_TEST_NOT_SET"));
  spec.environment = {{"MAZE_TEST_LET_OUT", "own"}};
  CHECK(find(environment_of(spec, {}, from), "MAZE_TEST_LET_OUT") == "own");
  spec.sandbox.variables = {"AWS_SECRET_ACCESS_KEY"};
  const auto refused = attempt_environment(from, labels, "/view", spec, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::permission_denied);
  CHECK(refused.error().message.find("--pass-env AWS_SECRET_ACCESS_KEY") != std::string::npos);
}

TEST_CASE("the time zone is passed on only where there is one", "[actors][environment]") {
  CHECK_FALSE(find(environment_of(test::shell("t"), {}), "TZ"));
  base_environment local = base;
  local.time_zone = "Europe/Vienna";
  CHECK(find(environment_of(test::shell("t"), {}, local), "TZ") == "Europe/Vienna");
}

TEST_CASE("texts arrive as they are and other values as JSON", "[actors][environment]") {
  core::dict nested;
  nested.emplace("k", core::list{1, true, nullptr});
  core::resolved_call call;
  call.arguments = {{"text", core::value("a \"b\"\n$c")},
                    {"number", core::value(42)},
                    {"nested", core::value(nested)}};
  const auto out = environment_of(test::shell("t"), call);
  CHECK(find(out, "MAZE_INPUT_text") == "a \"b\"\n$c");
  CHECK(find(out, "MAZE_INPUT_number") == "42");
  CHECK(find(out, "MAZE_INPUT_nested") == R"({"k":[1,true,null]})");
}

TEST_CASE("what a task declares wins over what maze sets", "[actors][environment]") {
  auto spec = test::shell("t");
  spec.environment = {{"PATH", "/opt/bin"}, {"MAZE_INPUT_x", "mine"}, {"EXTRA", ""}};
  core::resolved_call call;
  call.arguments = {{"x", core::value("theirs")}};
  const auto out = environment_of(spec, call);
  CHECK(find(out, "PATH") == "/opt/bin");
  CHECK(find(out, "MAZE_INPUT_x") == "mine");
  CHECK(find(out, "EXTRA") == "");
}

TEST_CASE("a child sees the GPUs that were granted to it and no other", "[actors][environment]") {
  base_environment node = base;
  node.gpus = {.ids = {"3", "5", "GPU-77"}, .order = "FASTEST_FIRST", .told = true};
  attempt_labels granted = labels;
  auto spec = test::shell("t");
  const auto out = [&] {
    auto made = attempt_environment(node, granted, "/view", spec, {});
    REQUIRE(made);
    return *made;
  };
  SECTION("several") {
    granted.gpus = {0, 2};
    CHECK(find(out(), "CUDA_VISIBLE_DEVICES") == "3,GPU-77");
    CHECK(find(out(), "CUDA_DEVICE_ORDER") == "FASTEST_FIRST");
  }
  SECTION("whatever its task declares") {
    granted.gpus = {1};
    spec.environment = {{"CUDA_VISIBLE_DEVICES", "3"}, {"CUDA_DEVICE_ORDER", "PCI_BUS_ID"}};
    CHECK(find(out(), "CUDA_VISIBLE_DEVICES") == "5");
    CHECK(find(out(), "CUDA_DEVICE_ORDER") == "FASTEST_FIRST");
  }
  SECTION("none") {
    CHECK(find(out(), "CUDA_VISIBLE_DEVICES") == "");
    CHECK_FALSE(find(out(), "CUDA_DEVICE_ORDER"));
  }
  SECTION("none, unless its task looks after itself") {
    spec.environment = {{"CUDA_VISIBLE_DEVICES", "3"}};
    CHECK(find(out(), "CUDA_VISIBLE_DEVICES") == "3");
  }
  SECTION("on a machine without any, nothing is said") {
    node.gpus = {};
    CHECK_FALSE(find(out(), "CUDA_VISIBLE_DEVICES"));
  }
}

TEST_CASE("a node gives its minimum, and less than was asked for only where that is allowed",
          "[actors][environment]") {
  using core::sandbox_level;
  const core::sandbox_offer all{.sealed = true, .cpu_shares = true};
  CHECK(sandbox_here({}, sandbox_level::seccomp, all).level == sandbox_level::seccomp);
  core::sandbox_spec asked{.level = sandbox_level::seccomp};
  CHECK(sandbox_here(asked, sandbox_level::none, {}).level == sandbox_level::seccomp);
  asked.degrade = true;
  CHECK(sandbox_here(asked, sandbox_level::none, all).level == sandbox_level::seccomp);
  CHECK(sandbox_here(asked, sandbox_level::none, {}).level == sandbox_level::subprocess);
}

TEST_CASE("a node refuses what it does not permit, by name", "[actors][environment]") {
  using core::permission_set;
  CHECK(check_permitted({}, {}));
  CHECK(check_permitted(permission_set::all(), permission_set::all()));
  permission_set commands;
  commands.add(core::permission::system_commands);
  const auto refused = check_permitted(commands, permission_set::all().without(commands));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::permission_denied);
  CHECK(refused.error().message.find("permission system_commands") != std::string::npos);
}

TEST_CASE("a sealed child is shown the device files of its GPUs and no others",
          "[actors][environment]") {
  const io::gpu_devices node{.ids = {"0", "1", "2"},
                             .files = {"/dev/nvidia0", "/dev/nvidia1", ""},
                             .common_files = {"/dev/nvidiactl"}};
  core::sandbox_spec sealed{.level = core::sandbox_level::seccomp, .writable = {"/srv"}};
  const auto shown = [&](core::sandbox_spec spec, const std::vector<std::uint32_t>& granted) {
    show_gpus(node, granted, spec);
    return spec.writable;
  };
  CHECK(shown(sealed, {1}) == std::vector<std::string>{"/srv", "/dev/nvidia1", "/dev/nvidiactl"});
  CHECK(shown(sealed, {2}) == std::vector<std::string>{"/srv", "/dev/nvidiactl"});
  CHECK(shown(sealed, {}) == std::vector<std::string>{"/srv"});
  CHECK(shown({}, {0}).empty());
}

TEST_CASE("a value that no environment variable can hold is refused by name",
          "[actors][environment]") {
  core::resolved_call call;
  SECTION("a NUL byte") { call.arguments = {{"x", core::value(std::string("a\0b", 3))}}; }
  SECTION("one byte more than the kernel takes") {
    call.arguments = {{"x", core::value(std::string(131072 - 1 - 12 - 1 + 1, 'a'))}};
  }
  const auto out = attempt_environment(base, labels, "/view", test::shell("t"), call);
  REQUIRE_FALSE(out);
  CHECK(out.error().code == core::errc::invalid_payload);
  CHECK(out.error().origin == "resolve");
  CHECK(out.error().message.find("MAZE_INPUT_x") != std::string::npos);
}

TEST_CASE("the longest value that the kernel takes is taken", "[actors][environment]") {
  core::resolved_call call;
  call.arguments = {{"x", core::value(std::string(131072 - 1 - 12 - 1, 'a'))}};
  CHECK(find(environment_of(test::shell("t"), call), "MAZE_INPUT_x")->size() == 131058);
}
