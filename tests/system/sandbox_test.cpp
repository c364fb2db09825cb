// Workflows at level seccomp, through real nodes.
#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "support/calls_cluster.hpp"
#include "support/functions_folder.hpp"
#include "support/needs.hpp"
#include "support/throw_away.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace maze;
using Catch::Contains;
using nlohmann::json;

namespace {

/// Tasks of a node that is root get users of their own here, which level seccomp needs.
struct sealed_folder : test::functions_folder {
  sealed_folder() { std::filesystem::permissions(folder.path(), std::filesystem::perms(0755)); }

  test::process_result run(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"run", file, "--dir", "state", "--output", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return run_words(words);
  }
  test::process_result run_words(const std::vector<std::string>& words) {
    auto how = options(words);
    how.environment.erase("MAZE_TASK_USER");
    return test::run(how);
  }
  void start_sealing_worker() {
    auto how = options({"start", "--detach", "--role", "worker", "--cluster", "lab", "--name", "w",
                        "--dir", (folder / "worker").string()});
    how.environment.erase("MAZE_TASK_USER");
    REQUIRE(test::run(how).status == 0);
  }
  json completed(const std::string& file, std::vector<std::string> more = {}) {
    const auto ended = run(file, std::move(more));
    INFO(ended.standard_error);
    REQUIRE(ended.status == 0);
    return json::parse(ended.standard_output);
  }
  void seal(const std::string& name, const std::string& lines,
            const std::string& parts = "") const {
    write(name + ".yaml", "maze: 1\nname: " + name
                              + "\nlibraries: { plain: " + test::task_library("plain").native()
                              + " }\ndefaults: { output: { r: any }, sandbox: { level: seccomp"
                              + parts + " } }\ntasks:\n" + lines);
  }
};

} // namespace

TEST_CASE_METHOD(sealed_folder, "functions of all kinds and commands work sealed",
                 "[system][sandbox]") {
  write("in.txt", "a b a");
  write("src/lines.py", "def read(path):\n  open('made.txt', 'w').write('by Python')\n"
                        "  return open(path).read()\n");
  seal("mixed",
       "  text: { python: \"src/lines.py:read\", inputs: { path: in.txt } }\n"
       "  words: { function: plain.count, inputs: { text: text.output.r } }\n"
       "  warm: { function: plain.add, cpus: 1, child: warm, inputs: { a: 1, b: 2 } }\n"
       "  number: { output: { run: dict }, after: [text], shell: \"grep -q Python made.txt && echo "
       "41 | tee shell.txt\" }\n"
       "  parse: { code: \"def f(text): return int(text)\", child: warm, inputs: { text: "
       "number.output.run.stdout } }\n"
       "  all: { code: \"def f(n, words, warm): return [n, words, warm]\", inputs: { n: "
       "parse.output.r, words: words.output.r, warm: warm.output.r } }\n"
       "files: [in.txt]\nresult: all.output.r\n");
  const auto alone = completed("mixed.yaml", {"--out", "one"});
  CHECK(alone["result"] == json{41, {{"a", 2}, {"b", 1}}, 3});
  CHECK(test::read_file(folder / "one" / "shell.txt") == "41\n");
  CHECK(test::read_file(folder / "one" / "made.txt") == "by Python");
  const auto apart = completed("mixed.yaml", {"--out", "two", "--workers", "2"});
  CHECK(apart["result"] == alone["result"]);
  CHECK(test::read_tree(folder / "two") == test::read_tree(folder / "one"));
}

TEST_CASE("functions of all kinds and commands work sealed where there are no namespaces",
          "[system][sandbox]") {
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0777));
  const auto text = test::told_by_child([&] {
    constexpr std::uint32_t uid = 60333;
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    if (::geteuid() == 0 && (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0))
      throw std::runtime_error("another user");
    test::forbid_namespaces();
    sealed_folder own;
    own.seal(
        "walled",
        "  a: { code: \"def f(): return 1\" }\n"
        "  b: { function: plain.add, inputs: { a: a.output.r, b: 1 } }\n"
        "  c: { function: plain.add, child: warm, cpus: 1, inputs: { a: b.output.r, b: 1 } }\n"
        "  d: { code: \"def f(x): return x + 1\", child: forked, inputs: { x: c.output.r } }\n"
        "  e: { output: { run: dict }, after: [d], shell: \"cat /etc/passwd 2>/dev/null || echo "
        "5\" }\n"
        "  all: { code: \"def f(d, e): return [d, int(e)]\", child: warm, inputs: { d: "
        "d.output.r, e: e.output.run.stdout } }\nresult: all.output.r\n");
    const auto doctor = own.run_words({"doctor", "--output", "json"});
    const auto ended = own.run("walled.yaml");
    return doctor.standard_output + "\n" + ended.standard_error + "\n" + ended.standard_output;
  });
  const bool walled = text.find("\"partly\"") != std::string::npos;
  MAZE_NEEDS(walled ? std::nullopt : std::optional<std::string>("needs Landlock of version 6"));
  INFO(text);
  CHECK(text.find("\"result\":[4,5]") != std::string::npos);
}

TEST_CASE_METHOD(sealed_folder, "calls in copies of a warm child leave nothing for each other",
                 "[system][sandbox]") {
  const std::string counting = "\"import os\\nseen = []\\ndef f(x):\\n  seen.append(x)\\n  return "
                               "[len(seen), os.getppid()]\"";
  seal("copies",
       "  a: { code: " + counting
           + ", child: forked, inputs: { x: 1 } }\n"
             "  b: { code: "
           + counting
           + ", child: forked, inputs: { x: a.output.r } }\n"
             "  plain: { function: plain.add, child: forked, inputs: { a: 1, b: 2 } }\n"
             "  all: { code: \"def f(a, b, p): return [a[0], b[0], a[1] == b[1], p]\", inputs: "
             "{ a: a.output.r, b: b.output.r, p: plain.output.r } }\nresult: all.output.r\n");
  CHECK(completed("copies.yaml")["result"] == json{1, 1, true, 3});
  seal("crash", "  a: { code: \"import os\\ndef f(): os.abort()\", child: forked }\n");
  const auto crashed = run("crash.yaml");
  CHECK(crashed.status == 1);
  CHECK_THAT(crashed.standard_output, Contains("signalled") && Contains("signal 6"));
}

TEST_CASE_METHOD(sealed_folder, "a sealed task sees what it asks for and nothing else",
                 "[system][sandbox]") {
  write("data/model", "weights");
  const std::string data = (folder / "data").native();
  seal("look",
       "  a: { output: { run: dict }, shell: \"cat " + data
           + "/model; cat /etc/shadow || ls /root || echo none; python3 -c 'import socket; "
             "socket.socket()' 2>&1 | tail -n 1 | cut -c1-15\" }\n"
             "result: a.output.run.stdout\n",
       ", readable: [" + data + "]");
  CHECK(completed("look.yaml")["result"] == "weightsnone\nPermissionError\n");
  // Of the folder of maze's own programs only what children run.
  seal("beside", "  a: { output: { run: dict }, shell: \"ls " MAZE_BIN_DIR " | xargs\" }\n"
                 "result: a.output.run.stdout\n");
  CHECK(completed("beside.yaml")["result"] == "maze-host maze_runner runner.py\n");
}

TEST_CASE_METHOD(sealed_folder, "a node can give every task more than it asks for",
                 "[system][sandbox]") {
  write("bare.yaml",
        "maze: 1\nname: bare\nlibraries: { plain: " + test::task_library("plain").native()
            + " }\ndefaults: { output: { r: any }, sandbox: none }\ntasks:\n"
              "  a: { output: { run: dict }, shell: \"ls -d /root /home || echo sealed\" }\n"
              "  b: { code: \"import os\\ndef f(x): return [os.path.exists('/root'), x]\", "
              "child: warm, inputs: { x: a.output.run.stdout } }\n"
              "result: b.output.r\n");
  const json sealed{false, "sealed\n"};
  CHECK(completed("bare.yaml", {"--sandbox", "seccomp"})["result"] == sealed);
  CHECK(completed("bare.yaml", {"--sandbox", "seccomp", "--workers", "1"})["result"] == sealed);
  CHECK(completed("bare.yaml")["result"] != sealed);
  if (::geteuid() == 0) {
    const auto refused = node({"run", "bare.yaml", "--sandbox", "seccomp"});
    CHECK(refused.status == 2);
    CHECK_THAT(refused.standard_error, Contains("--task-user slot"));
  }
}

TEST_CASE_METHOD(sealed_folder, "what a sandbox cannot give is refused with the place of its task",
                 "[system][sandbox]") {
  seal("calls", "  a: { output: { run: dict }, command: [\"true\"] }\n", ", syscalls: [ptrase]");
  const auto unknown = run("calls.yaml");
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.standard_error, Contains("calls.yaml:6:3: task 'a'") && Contains("`ptrace`"));
  const auto checked = node({"validate", "calls.yaml"});
  CHECK(checked.status == 2);
  CHECK_THAT(checked.standard_error, Contains("calls.yaml:6:3: task 'a'") && Contains("`ptrace`"));
  seal("nowhere", "  a: { output: { run: dict }, command: [\"true\"] }\n",
       ", readable: [/nowhere/at/all]");
  const auto missing = run("nowhere.yaml");
  CHECK(missing.status == 1);
  CHECK_THAT(missing.standard_output, Contains("/nowhere/at/all") && Contains("launch:root"));
}

TEST_CASE_METHOD(sealed_folder, "a call that is not allowed ends the task that made it, by name",
                 "[system][sandbox]") {
  const std::string python =
      ": { code: \"import ctypes\\ndef call(flags):\\n  if flags: "
      "ctypes.CDLL(None).unshare(flags)\\n  return flags\\n\", inputs: { flags: ";
  seal("strict",
       "  fine" + python + "0 }, child: warm }\n  warm" + python
           + "268435456 }, child: warm }\n  forked" + python
           + "268435456 }, child: forked }\n  fresh" + python
           + "268435456 } }\n"
             "  added: { function: plain.add, inputs: { a: 1, b: 2 }, child: warm }\n"
             "  shell: { output: { run: dict }, shell: \"unshare --user true; echo on\" }\n"
             "  open: { output: { run: dict }, shell: \"unshare --user true; echo on\", "
             "sandbox: { violation: refuse } }\n",
       ", violation: kill");
  start_master();
  start_sealing_worker();
  const auto ended = node({"submit", "strict.yaml", "--wait", "--cluster", "lab"});
  INFO(ended.standard_error);
  CHECK(ended.status == 1);
  const auto told = good_json({"tasks", "last", "--cluster", "lab"});
  std::map<std::string, json> tasks;
  for (const auto& each : told["tasks"])
    tasks[each["task"].get<std::string>()] = each;
  for (const char* each : {"fine", "added", "open"}) {
    INFO(each);
    CHECK(tasks.at(each)["state"] == "completed");
  }
  for (const char* each : {"warm", "forked", "fresh", "shell"}) {
    INFO(each << tasks.at(each).dump());
    CHECK(tasks.at(each)["state"] == "failed");
    CHECK(tasks.at(each)["error"]["class"] == "sandbox_violation");
    CHECK_THAT(tasks.at(each)["error"]["message"].get<std::string>(),
               Contains("made the system call `unshare`") && Contains("`violation: kill`"));
  }
}

TEST_CASE_METHOD(sealed_folder, "the report card of each attempt tells what stood around it",
                 "[system][sandbox]") {
  start_master();
  start_sealing_worker();
  write("levels.yaml",
        "maze: 1\nname: levels\nlibraries: { plain: " + test::task_library("plain").native()
            + " }\ndefaults: { output: { r: any } }\ntasks:\n"
              "  bare: { shell: \"true\", sandbox: none }\n"
              "  usual: { shell: \"true\" }\n"
              "  sealed: { shell: \"true\", sandbox: seccomp }\n"
              "  open: { shell: \"true\", sandbox: {level: seccomp, network: true} }\n"
              "  warm: { function: plain.add, cpus: 1, child: warm, inputs: { a: 1, b: 2 "
              "}, sandbox: seccomp }\n"
              "  never: { command: [/nowhere], sandbox: seccomp }\n");
  CHECK(node({"submit", "levels.yaml", "--wait", "--cluster", "lab"}).status == 1);
  std::map<std::string, json> cards;
  const auto told = good_json({"tasks", "last", "--cluster", "lab"});
  for (const auto& each : told["tasks"])
    cards[each["task"].get<std::string>()] = each["isolation"];
  const auto fences = [&](const std::string& task) {
    return cards.at(task).at("fences").get<std::set<std::string>>();
  };
  CHECK(cards.at("sealed").at("requested") == "seccomp");
  CHECK(cards.at("sealed").at("level") == "seccomp");
  CHECK(fences("bare").count("limits") == 0);
  CHECK(fences("usual").count("no_privileges") == 1);
  CHECK(fences("usual").count("root") == 0);
  for (const char* each : {"processes", "root", "names", "network", "syscalls", "no_privileges"}) {
    INFO(each);
    CHECK(fences("sealed").count(each) == 1);
  }
  CHECK(fences("warm") == fences("sealed"));
  CHECK(fences("open").count("network") == 0);
  CHECK(cards.at("never").is_null());
}

TEST_CASE_METHOD(sealed_folder,
                 "a run tells which cards its tasks had, and which had less than they asked for",
                 "[system][sandbox]") {
  MAZE_NEEDS(::geteuid() == 0
                 ? std::nullopt
                 : std::optional<std::string>("only root's own tasks cannot be sealed"));
  write("less.yaml",
        "maze: 1\nname: less\ndefaults: { output: { r: dict }, sandbox: { level: seccomp, degrade: "
        "allow } }\ntasks:\n  a: { shell: \"true\" }\n  b: { shell: \"true\" }\n"
        "  c: { shell: \"true\", sandbox: { level: subprocess } }\n");
  const auto told = good_json({"run", "less.yaml", "--dir", "state"});
  REQUIRE(told["isolation"].size() == 2);
  CHECK(told["isolation"][0]["requested"] == "subprocess");
  CHECK(told["isolation"][0]["tasks"] == 1);
  CHECK(told["isolation"][1]["requested"] == "seccomp");
  CHECK(told["isolation"][1]["level"] == "subprocess");
  CHECK(told["isolation"][1]["tasks"] == 2);
  CHECK(told["isolation"][1]["task"] == "a");
  CHECK_THAT(node({"run", "less.yaml", "--dir", "state"}).standard_error,
             Contains("2 tasks ran at level subprocess instead of seccomp"));
}

TEST_CASE("calls in a stream go to sealed children", "[system][sandbox]") {
  test::calls_cluster nodes(
      {false, MAZE_BIN_DIR, MAZE_BIN_DIR "/../lib/libtask_plain.so", "plain", true});
  core::call_plan plan;
  plan.functions = {{"add", core::function_action{"plain", "add"}}};
  plan.sandbox.level = core::sandbox_level::seccomp;
  const auto calls = nodes.open(std::move(plan));
  constexpr std::uint32_t count = 2'000;
  for (std::uint32_t i = 0; i < count; ++i)
    REQUIRE(calls->call(0, core::encode(core::list{std::int64_t{i}, 1}).value()));
  REQUIRE(calls->close());
  std::uint32_t ended = 0;
  while (ended < count) {
    const auto results = calls->next(std::chrono::seconds(60));
    REQUIRE(results);
    REQUIRE_FALSE(results->message.empty());
    results->for_each([&](core::call_number call, bool returned, std::string_view payload) {
      INFO("call " << call << " " << payload);
      REQUIRE(returned);
      REQUIRE(core::decode(payload).value() == core::value(std::int64_t{call} + 1));
      ++ended;
    });
  }
}
