// Where tasks go on nodes that offer unlike sandboxes, and what the owner of a cluster lets tasks do.

#include "support/cluster_folder.hpp"
#include "support/needs.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

using namespace maze;
using Catch::Contains;
using nlohmann::json;
using test::cluster_folder;

namespace {

struct unlike_nodes : cluster_folder {
  unlike_nodes() {
    // Tasks with users of their own must reach their views.
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  }

  /// What `nodes` says that the node offers.
  json offers(const std::string& name) {
    const auto nodes = good_json({"nodes"})["nodes"];
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const json& one) { return one["name"] == name; });
    REQUIRE(found != nodes.end());
    return (*found)["sandbox"];
  }
  json completed(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"submit", file, "--wait"};
    words.insert(words.end(), more.begin(), more.end());
    good(words);
    return good_json({"tasks", "last"})["tasks"];
  }
  json failed(const std::string& file) {
    const auto ended = node({"submit", file, "--wait", "--output", "json"});
    CHECK(ended.status == 1);
    return json::parse(ended.standard_output)["failed"][0]["error"];
  }
  std::string refused(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"submit", file};
    words.insert(words.end(), more.begin(), more.end());
    const auto ended = node(words);
    CHECK(ended.status != 0);
    CHECK(good_json({"runs"})["runs"].empty());
    return ended.standard_error;
  }
  /// Eight tasks with this `sandbox`.
  void eight(const std::string& name, const std::string& sandbox, const std::string& script) {
    std::string tasks = "tasks:\n";
    for (int i = 0; i < 8; ++i)
      tasks += "  t" + std::to_string(i) + ": { cpus: 0.1, sandbox: " + sandbox + ", shell: '"
               + script + "' }\n";
    workflow(name, tasks);
  }
};

bool contains(const json& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

} // namespace

TEST_CASE_METHOD(unlike_nodes, "a task goes to the node that lets out the variable it asks for",
                 "[system][placement]") {
  start_master();
  start_worker("plain");
  start_worker("open", {"--pass-env", "XDG_RUNTIME_DIR"});
  CHECK(offers("plain")["environment"].empty());
  CHECK(offers("open")["environment"] == json{"XDG_RUNTIME_DIR"});
  CHECK_THAT(good({"nodes"}), Contains("SANDBOX") && Contains(", XDG_RUNTIME_DIR"));
  eight("asking", "{ environment: [XDG_RUNTIME_DIR] }", "test -n \"$XDG_RUNTIME_DIR\"");
  for (const auto& task : completed("asking.yaml"))
    CHECK(task["node"] == "open");
  eight("lost", "{ environment: [NOBODY_HAS] }", "true");
  const auto error = failed("lost.yaml");
  CHECK(error["class"] == "unschedulable");
  CHECK_THAT(error["message"].get<std::string>(), Contains("--pass-env NOBODY_HAS"));
}

TEST_CASE_METHOD(unlike_nodes, "a task goes to the node with its labels, or to the one it names",
                 "[system][placement]") {
  start_master();
  start_worker("desk", {"--label", "platform=linux"});
  start_worker("phone", {"--label", "role=mobile", "--label", "platform=android"});
  std::string tasks = "tasks:\n";
  for (int i = 0; i < 4; ++i)
    tasks += fmt::format("  m{0}: {{ cpus: 0.1, required_role: mobile, required_platform: android, "
                         "shell: 'true' }}\n"
                         "  d{0}: {{ cpus: 0.1, labels: {{ node: desk }}, shell: 'true' }}\n",
                         i);
  workflow("devices", tasks);
  for (const auto& task : completed("devices.yaml"))
    CHECK(task["node"] == (task["task"].get<std::string>().front() == 'm' ? "phone" : "desk"));
  const auto message = [&](const std::string& labels) {
    workflow("lost", "tasks:\n  t: { labels: " + labels + ", shell: 'true' }\n");
    const auto error = failed("lost.yaml");
    CHECK(error["class"] == "unschedulable");
    return error["message"].get<std::string>();
  };
  CHECK_THAT(message("{ platform: ios }"), Contains("--label platform=ios"));
  CHECK_THAT(message("{ node: tablet }"), Contains("node tablet"));
  CHECK_THAT(message("{ node: desk, role: mobile }"), Contains("at once"));
}

TEST_CASE_METHOD(unlike_nodes, "a sealed task goes to the node that can seal it",
                 "[system][placement]") {
  MAZE_NEEDS(::geteuid() == 0 ? std::nullopt : std::optional<std::string>("needs root"));
  start_master();
  // Tasks of a node that is root can be sealed where they have users of their own.
  start_worker("same");
  eight("sealed", "seccomp", "true");
  const auto error = failed("sealed.yaml");
  CHECK(error["class"] == "unschedulable");
  CHECK_THAT(error["message"].get<std::string>(),
             Contains("level seccomp") && Contains("maze-node doctor"));
  eight("either", "{ level: seccomp, degrade: allow }", "true");
  for (const auto& task : completed("either.yaml")) {
    CHECK(task["node"] == "same");
    CHECK(task["isolation"]["level"] == "subprocess");
  }
  start_worker("slots", {"--task-user", "slot"});
  MAZE_NEEDS(contains(offers("slots")["levels"], "seccomp")
                 ? std::nullopt
                 : std::optional<std::string>("needs level seccomp"));
  CHECK_FALSE(contains(offers("same")["levels"], "seccomp"));
  for (const auto& task : completed("sealed.yaml", {"--out", "again"})) {
    CHECK(task["node"] == "slots");
    CHECK(task["isolation"]["level"] == "seccomp");
  }
}

TEST_CASE_METHOD(unlike_nodes, "of task, workflow, flag and cluster the nearest word counts",
                 "[system][placement]") {
  start_master({"--sandbox-option", "file_size=1KB", "--sandbox-limit", "file_size=8KB"});
  start_worker("w1");
  const std::string write = "shell: \"head -c $SIZE /dev/zero > out\"";
  const auto size = [&](int bytes, const std::string& sandbox = "") {
    workflow("writing", "tasks:\n  t: { " + sandbox + "env: { SIZE: '" + std::to_string(bytes)
                            + "' }, " + write + " }\n");
    return node({"submit", "writing.yaml", "--wait", "--out", "w" + std::to_string(bytes)}).status;
  };
  CHECK(size(1000) == 0);
  CHECK(size(1001) == 1);
  CHECK(size(4000, "sandbox: { file_size: 4KB }, ") == 0);
  size(2000);
  good({"submit", "writing.yaml", "--wait", "--out", "flag", "--sandbox-option", "file_size=2KB"});
  size(4001, "sandbox: { file_size: 4KB }, ");
  CHECK(node({"submit", "writing.yaml", "--wait", "--sandbox-option", "file_size=8KB"}).status
        == 1);
  // Nobody's limit is lifted beyond the bound.
  CHECK(size(8001, "sandbox: { file_size: null }, ") == 1);
  CHECK(size(8000, "sandbox: { file_size: null }, ") == 0);
}

TEST_CASE_METHOD(unlike_nodes, "what is more than a cluster allows is refused by name at submit",
                 "[system][placement]") {
  start_master({"--sandbox-limit", "file_size=8KB", "--sandbox-limit", "timeout=1m", "--permit",
                "read_files,write_files,network_access"});
  workflow("large", "tasks:\n  t: { sandbox: { file_size: 1MB }, shell: 'true' }\n");
  CHECK_THAT(refused("large.yaml"), Contains("large.yaml:5:3") && Contains("task 't'")
                                        && Contains("`file_size` of 1MB")
                                        && Contains("at most 8KB"));
  workflow("long", "tasks:\n  t: { timeout: 2m, shell: 'true' }\n");
  CHECK_THAT(refused("long.yaml"), Contains("`timeout`"));
  workflow("command", "tasks:\n  t: { command: ['true'] }\n");
  CHECK_THAT(refused("command.yaml"),
             Contains("task 't'") && Contains("permission system_commands"));
  CHECK_THAT(refused("command.yaml", {"--sandbox-option", "memroy=1GiB"}),
             Contains("flag --sandbox-option") && Contains("memory"));
}

TEST_CASE_METHOD(unlike_nodes, "a task goes only to nodes that permit what it does",
                 "[system][placement]") {
  start_master();
  start_worker("strict", {"--permit", "network_access"});
  workflow("one", "tasks:\n  t: { shell: 'true' }\n");
  const auto error = failed("one.yaml");
  CHECK(error["class"] == "unschedulable");
  CHECK_THAT(error["message"].get<std::string>(),
             Contains("system_commands") && Contains("--permit"));
  CHECK(offers("strict")["permissions"] == json{"network_access"});
  start_worker("free");
  CHECK(completed("one.yaml", {"--out", "again"})[0]["node"] == "free");
}

TEST_CASE_METHOD(unlike_nodes, "bounds belong to a master, and a worker refuses to have them",
                 "[system][placement]") {
  start_master();
  const auto ended =
      node({"start", "--role", "worker", "--name", "w1", "--sandbox-limit", "memory=1GB"});
  CHECK(ended.status == 2);
  CHECK_THAT(ended.standard_error, Contains("--sandbox-limit") && Contains("master"));
}
