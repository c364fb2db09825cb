// Functions of task libraries and Python functions in workflow files, run by the programs themselves.

#include "support/function_tasks.hpp"
#include "support/functions_folder.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <unistd.h>

using namespace maze;
using Catch::Contains;
using Catch::EndsWith;
using nlohmann::json;
using test::functions_folder;

namespace {

/// The errors of a run's failed tasks, by task.
std::map<std::string, json> errors_in(const json& report) {
  std::map<std::string, json> out;
  for (const auto& each : report["failed"])
    out[each["task"].get<std::string>()] = each["error"];
  return out;
}

std::map<std::string, int> attempts_in(const json& report) {
  std::map<std::string, int> out;
  for (const auto& each : report["failed"])
    out[each["task"].get<std::string>()] = each["attempts"].get<int>();
  return out;
}

} // namespace

TEST_CASE_METHOD(functions_folder, "functions of all kinds and commands pass values in one graph",
                 "[system][functions]") {
  mixed_graph();
  const auto alone = good_json({"run", "mixed.yaml", "--out", "one", "--dir", "state"});
  CHECK(alone["state"] == "completed");
  CHECK(alone["result"] == json{{"sum", 42}, {"words", {{"a", 2}, {"b", 1}}}});
  CHECK(test::read_file(folder / "one" / "made.txt") == "made by Python\n");
  CHECK(test::read_file(folder / "one" / "shell.txt") == "41\n");
  const auto apart =
      good_json({"run", "mixed.yaml", "--workers", "2", "--out", "two", "--dir", "state"});
  CHECK(apart["result"] == alone["result"]);
  CHECK(test::read_tree(folder / "two") == test::read_tree(folder / "one"));
}

TEST_CASE_METHOD(functions_folder, "functions run as users of their own where the node is root",
                 "[system][functions]") {
  mixed_graph();
  auto how = options({"run", "mixed.yaml", "--out", "home", "--dir", "state", "--output", "json"});
  how.environment.erase("MAZE_TASK_USER");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  const auto ended = test::run(how);
  INFO(ended.standard_error);
  REQUIRE(ended.status == 0);
  CHECK(json::parse(ended.standard_output)["result"]["sum"] == 42);
}

TEST_CASE_METHOD(functions_folder, "every way in which a function can end badly has its own class",
                 "[system][functions]") {
  tasks("bad", "  fault: { function: hostile.fault }\n"
               "  overrun: { function: hostile.overrun }\n"
               "  give-up: { function: hostile.give_up }\n"
               "  uncaught: { function: hostile.unexpected }\n"
               "  killed: { function: hostile.raise_signal, inputs: { number: 9 } }\n"
               "  leave: { function: hostile.leave, inputs: { status: 3 } }\n"
               "  leave-well: { function: hostile.leave, inputs: { status: 0 } }\n"
               "  at-once: { function: hostile.leave_at_once, inputs: { status: 4 } }\n"
               "  garbage: { function: hostile.garbage }\n"
               "  closes: { function: hostile.close_all }\n"
               "  copy: { function: hostile.copy }\n"
               "  throws: { function: plain.fail, inputs: { why: no such word } }\n"
               "  large: { function: plain.large, inputs: { size: 100000000 } }\n"
               "  broken: { function: plain.broken_text }\n"
               "  raises: { code: \"def f(): raise KeyError('k')\" }\n"
               "  syntax: { code: \"def f(: pass\" }\n"
               "  aborts: { code: \"import os\\ndef f(): os.abort()\" }\n"
               "  exits: { code: \"import sys\\ndef f(): sys.exit(5)\" }\n"
               "  large-python: { code: \"def f(): return bytes(100000000)\" }\n"
               "  set: { code: \"def f(): return {1}\" }\n"
               "  argument: { code: \"def f(a, b): return a\", inputs: { a: 1, c: 2 } }\n"
               "  slow: { timeout: 300ms, code: \"import signal\\ndef f(): signal.pause()\" }\n"
               "  good: { function: hostile.good, inputs: { x: 7 } }\n"
               "result: good.output.r\n");
  const auto report = failing_json({"run", "bad.yaml", "--dir", "state"}, 1);
  const auto errors = errors_in(report);
  std::map<std::string, std::string> classes;
  for (const auto& [task, why] : errors)
    classes[task] = why["class"].get<std::string>();
  CHECK(classes
        == std::map<std::string, std::string>{
            {"fault", "signalled"},         {"overrun", "signalled"},
            {"give-up", "signalled"},       {"uncaught", "signalled"},
            {"killed", "worker_crash"},     {"leave", "exit_nonzero"},
            {"leave-well", "exit_nonzero"}, {"at-once", "exit_nonzero"},
            {"garbage", "invalid_payload"}, {"closes", "exit_nonzero"},
            {"throws", "user_exception"},   {"large", "limit_exceeded"},
            {"broken", "invalid_payload"},  {"raises", "user_exception"},
            {"syntax", "invalid_payload"},  {"aborts", "signalled"},
            {"exits", "exit_nonzero"},      {"large-python", "limit_exceeded"},
            {"set", "invalid_payload"},     {"argument", "invalid_payload"},
            {"slow", "timeout_wall"}});
  CHECK(errors.at("fault")["signal"] == 11);
  CHECK(errors.at("killed")["signal"] == 9);
  CHECK(errors.at("exits")["exit_code"] == 5);
  CHECK(errors.at("throws")["message"] == "std::out_of_range: no such word");
  CHECK(errors.at("throws")["origin"] == "plain.fail");
  CHECK(report["result"] == 7);
  tasks("next", "  a: { function: plain.add, inputs: { a: 1 } }\nresult: a.output.r\n");
  CHECK(good_json({"run", "next.yaml", "--dir", "state"})["result"] == 11);
}

TEST_CASE_METHOD(functions_folder, "a traceback shows the user's lines and no others",
                 "[system][functions]") {
  write("src/plot.py", "import helper\n\n\ndef draw(n):\n    return helper.half(n, 0)\n");
  write("src/helper.py", "def half(n, by):\n    return n / by\n");
  tasks("trace", "  draw: { python: \"src/plot.py:draw\", inputs: { n: 1 } }\nfiles: [src]\n");
  const auto why = errors_in(failing_json({"run", "trace.yaml", "--dir", "state"}, 1)).at("draw");
  CHECK(why["class"] == "user_exception");
  CHECK(why["message"] == "ZeroDivisionError: division by zero");
  const auto evidence = why["evidence"].get<std::string>();
  CHECK_THAT(evidence, Contains("src/plot.py\", line 5") && Contains("helper.half(n, 0)")
                           && Contains("line 2, in half") && Contains("return n / by")
                           && !Contains("maze_runner"));
  const auto shown = node({"run", "trace.yaml", "--dir", "state"});
  CHECK_THAT(shown.standard_error, Contains("return n / by"));
}

TEST_CASE_METHOD(functions_folder, "what functions print harms no result and is kept",
                 "[system][functions]") {
  tasks("talk", "  cpp: { function: plain.print, inputs: { text: hello } }\n"
                "  python: { code: \"def f():\\n  for fd in (1, 2):\\n    import os\\n    "
                "os.write(fd, b'MZC1' * 1000)\\n  print('x' * 100000)\\n  return 'fine'\" }\n"
                "  both: { code: \"def f(a, b): return [a, b]\", inputs: { a: cpp.output.r, b: "
                "python.output.r } }\nresult: both.output.r\n");
  const auto report = good_json({"run", "talk.yaml", "--dir", "state"});
  CHECK(report["result"] == json{"hello", "fine"});
  start_master();
  start_worker("w1");
  good({"submit", "talk.yaml", "--wait"});
  CHECK(good({"logs", "last", "cpp"}) == "helloMZC1\n");
  CHECK(good({"logs", "last", "cpp", "--stderr"}) == "hello");
  CHECK_THAT(good({"logs", "last", "python"}), EndsWith(std::string(100'000, 'x') + "\n"));
  CHECK(good({"logs", "last", "both"}).empty());
}

TEST_CASE_METHOD(functions_folder,
                 "functions that cannot be called are refused before anything runs",
                 "[system][functions]") {
  const auto refused = [this](const std::string& task) {
    tasks("wrong", task);
    const auto ended = node({"run", "wrong.yaml", "--dir", "state"});
    INFO(task << ended.standard_error);
    CHECK((ended.status == 2 || ended.status == 3));
    return ended.standard_error;
  };
  CHECK_THAT(refused("  a: { function: plain.subtract }\n"),
             Contains("subtract") && Contains("plain") && Contains("wrong.yaml:")
                 && Contains(":3: task 'a'"));
  CHECK_THAT(refused("  a: { function: plot.draw }\n"), Contains("no library is named plot"));
  CHECK_THAT(refused("  a: { function: plain.add, inputs: { c: 1 } }\n"),
             Contains("'c'") && Contains("'a'"));
  CHECK_THAT(refused("  a: { function: plain.add }\n"),
             Contains("'a'") && Contains("has no value"));
  CHECK_THAT(refused("  a: { function: plain.add, inputs: { a: word } }\n"),
             Contains("'a'") && Contains("int") && Contains("string"));
  CHECK_THAT(refused("  a: { python: \"nowhere.py:f\" }\n"), Contains("nowhere.py"));
}

TEST_CASE_METHOD(functions_folder, "a library that misbehaves as it is loaded is refused at submit",
                 "[system][functions]") {
  const auto refused = [this](const std::string& library) {
    write("load.yaml",
          "maze: 1\nname: load\nlibraries: { bad: " + test::task_library(library).native()
              + " }\ndefaults: { output: { r: any } }\ntasks:\n  a: { function: "
                "bad.loaded }\n");
    const auto ended = node({"run", "load.yaml", "--dir", "state"});
    INFO(library << ended.standard_error);
    CHECK((ended.status == 2 || ended.status == 3));
    CHECK_THAT(ended.standard_error, Contains("library 'bad' cannot be used"));
    return ended.standard_error;
  };
  CHECK_THAT(refused("at_load_crash"), Contains("signal 11") && Contains("about to crash"));
  CHECK_THAT(refused("at_load_exit"), Contains("exit status 9"));
  CHECK_THAT(refused("at_load_throw"), Contains("signal 6"));
  CHECK_THAT(refused("lying_version"), Contains("version 99"));
  CHECK_THAT(refused("unresolved"), Contains("maze_test_nobody_defines_this"));
  tasks("next", "  a: { function: plain.add, inputs: { a: 1 } }\nresult: a.output.r\n");
  CHECK(good_json({"run", "next.yaml", "--dir", "state"})["result"] == 11);
}

TEST_CASE_METHOD(functions_folder, "a function that fails costs its own attempts alone",
                 "[system][functions]") {
  std::string lines =
      "  slow: { retries: 2, timeout: 300ms, cpus: 0.1, code: \"import signal\\ndef f(): "
      "signal.pause()\" }\n"
      "  fault: { retries: 2, function: hostile.fault }\n"
      "  raises: { retries: 2, code: \"def f(): raise OSError('x')\" }\n";
  for (int i = 0; i < 20; ++i)
    lines += "  good" + std::to_string(i) + ": { function: hostile.good, inputs: { x: 1 } }\n";
  tasks("retries", lines);
  const auto report = failing_json({"run", "retries.yaml", "--dir", "state"}, 1);
  CHECK(report["tasks"]["completed"] == 20);
  // A fault or an exception comes again, so that trying again is of no use.
  CHECK(attempts_in(report)
        == std::map<std::string, int>{{"slow", 3}, {"fault", 1}, {"raises", 1}});
}

TEST_CASE_METHOD(functions_folder, "a function that returns at a later attempt completes",
                 "[system][functions]") {
  tasks("later", "  a: { retries: 3, timeout: 1s, code: \"import os, signal\\ndef f():\\n  if "
                 "os.environ['MAZE_ATTEMPT'] == '1': signal.pause()\\n  return "
                 "os.environ['MAZE_ATTEMPT']\" }\nresult: a.output.r\n");
  CHECK(good_json({"run", "later.yaml", "--dir", "state"})["result"] == "2");
}

TEST_CASE_METHOD(functions_folder,
                 "a secret that a function tells is hidden wherever it was called",
                 "[system][functions]") {
  tasks("secret",
        "  python: { params: { key: string }, code: \"def f(key):\\n  print(key)\\n  raise "
        "ValueError('bad ' + key)\" }\n"
        "  cpp: { function: plain.fail, inputs: {}, params: { why: string } }\n"
        "context: { key: { secret: env:TEST_SECRET }, why: { secret: env:TEST_SECRET } }\n");
  std::vector<std::string> words{"run",    "secret.yaml", "--dir", "state",
                                 "--keep", "--output",    "json"};
  if (GENERATE(false, true))
    words.insert(words.end(), {"--workers", "1"});
  auto how = options(words);
  how.environment["TEST_SECRET"] = "tulip-4711";
  const auto ended = test::run(how);
  INFO(ended.standard_error);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.standard_output, !Contains("tulip-4711") && Contains("ValueError: bad [secret]")
                                        && Contains("std::out_of_range: [secret]"));
  CHECK_THAT(ended.standard_error, !Contains("tulip-4711"));
  for (const auto& [path, content] : test::read_tree(folder / "state")) {
    INFO(path);
    CHECK(content.find("tulip-4711") == std::string::npos);
  }
}

TEST_CASE_METHOD(functions_folder, "several outputs of a function are taken by their keys",
                 "[system][functions]") {
  tasks("many", "  a: { outputs: many, output: { n: int, text: string }, code: \"def f(): return "
                "{'n': 1, 'text': "
                "'x', 'more': 2}\" }\n"
                "  b: { outputs: many, output: { n: int }, code: \"def f(): return {'m': 1}\" }\n"
                "  c: { output: { n: int }, code: \"def f(): return 'x'\" }\n"
                "result: a.output.text\n");
  const auto report = failing_json({"run", "many.yaml", "--dir", "state"}, 1);
  CHECK(report["result"] == "x");
  const auto errors = errors_in(report);
  CHECK(errors.at("b")["class"] == "invalid_payload");
  CHECK_THAT(errors.at("b")["message"].get<std::string>(), Contains("'n'"));
  CHECK(errors.at("c")["class"] == "invalid_payload");
  CHECK_THAT(errors.at("c")["message"].get<std::string>(), Contains("int") && Contains("string"));
}

TEST_CASE_METHOD(functions_folder, "a result of 30 MB goes from function to function on any node",
                 "[system][functions]") {
  tasks("large",
        "  cpp: { function: plain.large, inputs: { size: 30000000 } }\n"
        "  python: { code: \"def f(x): return x[:-1] + b'x'\", inputs: { x: cpp.output.r } }\n"
        "  echo: { function: plain.echo, inputs: { x: python.output.r } }\n"
        "  size: { code: \"def f(x): return [len(x), x[-1]]\", inputs: { x: echo.output.r } }\n"
        "result: size.output.r\n");
  std::vector<std::string> words{"run", "large.yaml", "--dir", "state"};
  if (GENERATE(false, true))
    words.insert(words.end(), {"--workers", "2"});
  CHECK(good_json(words)["result"] == json{30000000, 120});
}

TEST_CASE_METHOD(functions_folder, "a pickled function is called with its arguments",
                 "[system][functions]") {
  // math.sqrt by its name, over two lines.
  tasks("root",
        "  root:\n    inputs: { x: 16 }\n    pickle: |\n      Y21hdGgK\n      c3FydAou\nresult: "
        "root.output.r\n");
  CHECK(good_json({"run", "root.yaml", "--dir", "state"})["result"] == 4.0);
}

TEST_CASE_METHOD(functions_folder,
                 "a function that ends its process well instead of returning is not tried again",
                 "[system][functions]") {
  std::string lines;
  for (const char* child : {"fresh", "warm", "forked"})
    lines += std::string("  cpp_") + child
             + ": { function: hostile.leave_at_once, inputs: { status: 0 }, child: " + child
             + " }\n  python_" + child
             + ": { code: \"import os\\ndef f(): os._exit(0)\", child: " + child + " }\n";
  tasks("leave", lines);
  const auto report = failing_json({"run", "leave.yaml", "--dir", "state"}, 1);
  REQUIRE(report["failed"].size() == 6);
  for (const auto& [task, why] : errors_in(report)) {
    INFO(task << ": " << why["message"]);
    CHECK(why["class"] == "exit_nonzero");
    CHECK(attempts_in(report).at(task) == 1);
  }
}

TEST_CASE_METHOD(functions_folder, "code imports files of its run", "[system][functions]") {
  write("helper.py", "def twice(x): return 2 * x\n");
  tasks("import",
        "  a: { code: \"import helper\\ndef f(x): return helper.twice(x)\", inputs: { x: 4 } }\n"
        "files: [helper.py]\nresult: a.output.r\n");
  CHECK(good_json({"run", "import.yaml", "--dir", "state"})["result"] == 8);
}
