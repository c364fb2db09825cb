#include "node/machine_report.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace maze;
using Catch::Matchers::Contains;

namespace {

sandbox::capabilities everything() {
  return {.user_namespaces = true,
          .pid_namespaces = true,
          .overlay = true,
          .idmapped_overlay = true,
          .other_users = true,
          .sealed = true,
          .sealed_failure = {},
          .landlock = 7,
          .memory_groups = true,
          .process_groups = true,
          .cpu_time_groups = true,
          .cpu_share_groups = true};
}

core::result<sandbox::container_engine> podman() {
  return sandbox::container_engine{.kind = sandbox::engine_kind::podman,
                                   .program = "/usr/bin/podman",
                                   .options = {},
                                   .open_files = {},
                                   .processes = {}};
}

core::result<sandbox::container_engine> none() {
  return core::fail(core::errc::unsupported_operation, "there is no container engine");
}

} // namespace

TEST_CASE("a machine that can do all is told so without advice", "[tools][doctor]") {
  const auto text = node::show(node::report_of(everything(), true, podman()), {});
  CHECK(text.find("level seccomp     yes") != std::string::npos);
  CHECK(text.find("yes, podman at /usr/bin/podman") != std::string::npos);
  CHECK(text.find("version 7") != std::string::npos);
  CHECK(text.find("sysctl") == std::string::npos);
}

TEST_CASE("a node that is root lacks two levels where its tasks are root, too", "[tools][doctor]") {
  auto report = node::report_of(everything(), true, podman());
  node::take_own_users(report);
  const auto text = node::show(report, {});
  CHECK_THAT(text, Contains("level seccomp") && Contains("level container"));
  for (const auto& each : report.levels) {
    const bool other = each.name == "seccomp" || each.name == "container";
    CHECK(each.here == !other);
    CHECK(each.remedy.empty() == !other);
  }
  CHECK_THAT(text, Contains("--task-user slot"));
}

TEST_CASE("what a machine lacks comes with its meaning and a remedy", "[tools][doctor]") {
  sandbox::capabilities can;
  can.sealed_failure = {.code = core::errc::sandbox_violation, .message = "namespaces failed"};
  const auto text = node::show(node::report_of(can, false, none()), {});
  CHECK(text.find("level seccomp     no") != std::string::npos);
  CHECK(text.find("seccomp: namespaces failed; run the node as root") != std::string::npos);
  CHECK(text.find("container: there is no container engine; as root") != std::string::npos);
  CHECK(text.find("own users: run the node as root") != std::string::npos);
  CHECK(text.find("Landlock: Linux 5.13") != std::string::npos);
  CHECK(text.find("group: memory     no") != std::string::npos);
  CHECK(text.find("group: cpu share: tasks that ask for it are refused; run the node as root")
        != std::string::npos);
}

TEST_CASE("a level that is there without namespaces is told as part of it", "[tools][doctor]") {
  auto can = everything();
  can.pid_namespaces = can.user_namespaces = false;
  can.walled = true;
  const auto text = node::show(node::report_of(can, false, none()), {});
  CHECK(text.find("level seccomp     yes, partly") != std::string::npos);
  CHECK(text.find("seccomp: there are no namespaces") != std::string::npos);
}

TEST_CASE("programs get the report as JSON", "[tools][doctor]") {
  auto can = everything();
  can.landlock = 0;
  const auto read = nlohmann::json::parse(
      node::show(node::report_of(can, true, none()), {node::output_form::json, false}));
  CHECK(read.at("levels").at(2) == nlohmann::json{{"name", "seccomp"}, {"here", true}});
  CHECK(read.at("levels").at(3).at("here") == false);
  const auto& landlock = read.at("mechanisms").at(4);
  CHECK(landlock.at("name") == "Landlock");
  CHECK(landlock.at("here") == false);
  CHECK(landlock.contains("remedy"));
}
