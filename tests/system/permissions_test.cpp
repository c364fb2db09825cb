// What the holders of join files may hand in, and be given, over TLS.

#include "support/cluster_folder.hpp"
#include "support/function_tasks.hpp"
#include "support/needs.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

using namespace maze;
using Catch::Contains;
using nlohmann::json;

namespace {

/// A master behind a port of its own, and two files: anna's, who may not have commands run, and one for the owner's own use.
struct permitting_cluster : test::cluster_folder {
  permitting_cluster() {
    // Tasks with users of their own must reach their views.
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    // What sealed children need where the node is root.
    const std::vector<std::string> users = ::geteuid() == 0
                                               ? std::vector<std::string>{"--task-user", "slot"}
                                               : std::vector<std::string>{};
    std::vector<std::string> words{"--listen", "tcp:127.0.0.1:0"};
    words.insert(words.end(), users.begin(), users.end());
    start_master(words);
    const auto made = good_json({"join-file", "anna", "--for", "client", "--permit",
                                 "write_files,network_access,read_files"});
    CHECK(made["permitted"] == json{"read_files", "write_files", "network_access"});
    good({"join-file", "ops", "--for", "client"});
    workflow("command", "tasks:\n  t: { command: ['true'] }\n");
  }

  test::process_result submit(const std::string& file, const std::string& by,
                              std::vector<std::string> more = {}) {
    std::vector<std::string> words{"submit", file, "--cluster", by};
    words.insert(words.end(), more.begin(), more.end());
    return node(std::move(words));
  }
  /// What `nodes` says that the only one of them offers.
  json offers() { return good_json({"nodes"})["nodes"].at(0)["sandbox"]; }
};

} // namespace

TEST_CASE_METHOD(permitting_cluster, "a client hands in what its join file permits, and no more",
                 "[system][permissions][tls]") {
  const bool root = ::geteuid() == 0;
  start_worker("w1",
               root ? std::vector<std::string>{"--task-user", "slot"} : std::vector<std::string>{});
  const auto refused = submit("command.yaml", "./anna.join");
  CHECK(refused.status == 3);
  CHECK_THAT(
      refused.standard_error,
      Contains("command.yaml:5:3") && Contains("task 't'")
          && Contains("needs the permission system_commands, which the join file of client "
                      "anna does not give: it gives read_files, write_files, network_access"));
  // A function that is not sealed can do what a command can.
  workflow("loose", "tasks:\n  t: { output: { r: any }, code: 'def f(): return 1' }\n");
  CHECK(submit("loose.yaml", "./anna.join").status == 3);
  CHECK(good_json({"runs"})["runs"].empty());

  const auto you =
      json::parse(good({"status", "--cluster", "./anna.join", "--output", "json"}))["you"];
  CHECK(you["identity"] == "client anna");
  CHECK(you["permissions"] == json{"read_files", "write_files", "network_access"});
  CHECK_THAT(good({"status", "--cluster", "./anna.join"}), Contains("you are client anna: "));
  CHECK_THAT(good({"status", "--cluster", "./ops.join"}), !Contains("you are"));

  CHECK(submit("command.yaml", "./ops.join", {"--wait", "--out", "a"}).status == 0);
  CHECK(submit("command.yaml", "lab", {"--wait", "--out", "b"}).status == 0);

  const auto levels = offers()["levels"];
  MAZE_NEEDS(std::find(levels.begin(), levels.end(), "seccomp") != levels.end()
                 ? std::nullopt
                 : std::optional<std::string>("needs level seccomp"));
  workflow("sealed", "libraries: { plain: " + test::task_library("plain").native()
                         + " }\n"
                           "tasks:\n"
                           "  py: { sandbox: seccomp, output: { r: any }, code: 'def f(): return "
                           "40' }\n"
                           "  add: { sandbox: seccomp, output: { r: any }, function: plain.add, "
                           "inputs: { a: py.output.r, b: 2 } }\n"
                           "result: add.output.r\n");
  const auto sealed = submit("sealed.yaml", "./anna.join", {"--wait", "--out", "c"});
  INFO(sealed.standard_error);
  CHECK(sealed.status == 0);
  CHECK(sealed.standard_output == "42\n");
}

TEST_CASE_METHOD(
    permitting_cluster,
    "a library is loaded sealed to be looked at where its client may not do everything",
    "[system][permissions][tls]") {
  start_worker("w1", ::geteuid() == 0 ? std::vector<std::string>{"--task-user", "slot"}
                                      : std::vector<std::string>{});
  const auto levels = offers()["levels"];
  MAZE_NEEDS(std::find(levels.begin(), levels.end(), "seccomp") != levels.end()
                 ? std::nullopt
                 : std::optional<std::string>("needs level seccomp"));
  // The master remembers what it has read.
  const auto calls = [this](const std::string& name, const std::string& function) {
    const auto own = folder / (name + ".so");
    std::filesystem::copy_file(test::task_library("at_load_look"), own);
    std::ofstream(own, std::ios::app | std::ios::binary) << name;
    workflow(name, "libraries: { look: " + own.native()
                       + " }\ntasks:\n  t: { sandbox: seccomp, output: { r: any }, function: look."
                       + function + " }\n");
    return name + ".yaml";
  };
  CHECK(submit(calls("one", "sealed"), "./anna.join").status == 0);
  const auto open = submit(calls("two", "open"), "./anna.join");
  CHECK(open.status != 0);
  CHECK_THAT(open.standard_error, Contains("its functions are `sealed`"));
  // Whoever may have commands run may as well have it loaded as these are.
  CHECK(submit(calls("three", "open"), "./ops.join").status == 0);
}

TEST_CASE_METHOD(permitting_cluster, "a role of the configuration says what a join file permits",
                 "[system][permissions][tls]") {
  std::ofstream(folder / "roles.yaml") << "roles: \"analyst=read_files,network_access; ops=all\"\n";
  const auto made = good_json(
      {"join-file", "carl", "--for", "client", "--as", "analyst", "--config", "roles.yaml"});
  CHECK(made["permitted"] == json{"read_files", "network_access"});
  CHECK(submit("command.yaml", "./carl.join").status == 3);
  const auto unknown = node({"join-file", "dora", "--as", "boss", "--config", "roles.yaml"});
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.standard_error, Contains("'boss'") && Contains("analyst"));
}

TEST_CASE_METHOD(permitting_cluster, "nobody widens a join file by what another one holds",
                 "[system][permissions][tls]") {
  auto anna = json::parse(test::read_file(folder / "anna.join"));
  const auto ops = json::parse(test::read_file(folder / "ops.join"));
  CHECK_THAT(test::read_file(folder / "anna.join"), !Contains("permit"));
  anna["certificate"] = ops["certificate"];
  std::ofstream(folder / "forged.join") << anna.dump();
  std::filesystem::permissions(folder / "forged.join", std::filesystem::perms(0600));
  const auto forged = submit("command.yaml", "./forged.join");
  CHECK(forged.status == 3);
  CHECK_THAT(forged.standard_error, Contains("forged.join") && Contains("'name'"));
}

TEST_CASE_METHOD(permitting_cluster, "a worker is given what its join file permits, and no more",
                 "[system][permissions][tls]") {
  good({"join-file", "w1", "--permit", "network_access"});
  start_worker("w1", {"--join", "w1.join"});
  CHECK(offers()["permissions"] == json{"network_access"});
  const auto ended = submit("command.yaml", "./ops.join", {"--wait", "--output", "json"});
  CHECK(ended.status == 1);
  const auto error = json::parse(ended.standard_output)["failed"][0]["error"];
  CHECK(error["class"] == "unschedulable");
  CHECK_THAT(error["message"].get<std::string>(), Contains("system_commands"));
}
