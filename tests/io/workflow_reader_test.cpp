#include "maze/io/workflow_reader.hpp"

#include "maze/io/workflow_file.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <limits>

using namespace maze;

namespace {

core::workflow sound(std::string_view text, io::text_format format = io::text_format::yaml) {
  auto workflow = io::parse_workflow(text, "w", format);
  std::string told;
  if (!workflow)
    for (const auto& one : workflow.error())
      told += io::to_string(one) + "\n";
  INFO(told);
  REQUIRE(workflow);
  return *std::move(workflow);
}

core::input_expression literal(core::value x) { return {std::move(x)}; }
core::input_expression refer(std::string_view text) {
  return {core::parse_reference(text).value()};
}

/// The one task of a workflow with these lines below `tasks: {a: …}`.
core::task_spec only_task(const std::string& rest) {
  auto workflow = sound("maze: 1\nname: w\ntasks:\n  a:\n" + rest);
  REQUIRE(workflow.tasks.size() == 1);
  return std::move(workflow.tasks.front());
}

const std::string command_task = "    command: [ls]\n    output: {r: dict}\n";

} // namespace

TEST_CASE("the smallest workflow has one task with the product's defaults", "[io][workflow]") {
  const auto w = sound("maze: 1\nname: w\ntasks: {a: {command: [ls], output: {r: dict}}}\n");
  CHECK(w.name == "w");
  REQUIRE(w.tasks.size() == 1);
  core::task_spec wanted;
  wanted.name = "a";
  wanted.action = core::command_action{{literal("ls")}};
  wanted.output = {.keys = {{"r", "dict"}}};
  CHECK(w.tasks[0] == wanted);
  CHECK(w.tasks[0].needs.cpu_millis == 1000);
  CHECK(w.tasks[0].sandbox.level == core::sandbox_level::subprocess);
  CHECK_FALSE(w.tasks[0].sandbox.wall_time);
  CHECK_FALSE(w.result);
}

TEST_CASE("the same workflow as YAML and as JSON is the same", "[io][workflow]") {
  const auto yaml = sound(R"(
maze: 1
name: both
context: {top: 50, deep: {list: [1, 2.5, null, true, "text"]}, key: {secret: env:API_KEY}}
files: [plot.py, {from: /usr/share/doc, match: "**/*.gz", to: doc/, except: ["*.html", private]}]
tasks:
  a: {shell: "ls > x", output: {r: dict}}
  b: {command: [cat, a.output.r.stdout], after: [a], output: {r: any}}
collect: ["*.zst"]
result: b.output.r.exit_code
)");
  const auto json = sound(R"({
  "maze": 1, "name": "both",
  "context": {"top": 50, "deep": {"list": [1, 2.5, null, true, "text"]},
              "key": {"secret": "env:API_KEY"}},
  "files": ["plot.py", {"from": "/usr/share/doc", "match": "**/*.gz", "to": "doc/",
             "except": ["*.html", "private"]}],
  "tasks": {
    "a": {"shell": "ls > x", "output": {"r": "dict"}},
    "b": {"command": ["cat", "a.output.r.stdout"], "after": ["a"], "output": {"r": "any"}}
  },
  "collect": ["*.zst"],
  "result": "b.output.r.exit_code"
})",
                          io::text_format::json);
  CHECK(yaml == json);
  CHECK(yaml.context.at("key").secret_variable == "API_KEY");
  CHECK(yaml.context.at("top").content == core::value(50));
  CHECK(yaml.context.at("deep").content
        == core::value(core::dict{{"list", core::list{1, 2.5, nullptr, true, "text"}}}));
  CHECK(yaml.files[1]
        == core::file_source{"/usr/share/doc", "**/*.gz", "doc/", {"*.html", "private"}});
  CHECK(yaml.result == core::parse_reference("b.output.r.exit_code").value());
}

TEST_CASE("JSON text may hold surrogate pairs, in values and in keys", "[io][workflow]") {
  const auto w = sound(R"({"maze": 1, "name": "w",
    "context": {"smile": "\ud83d\ude00", "map": {"\ud83d\ude00": 1}},
    "tasks": {"a": {"shell": "echo \"\u00e4\"", "output": {"r": null}}}})",
                       io::text_format::json);
  CHECK(w.context.at("smile").content == core::value("😀"));
  CHECK(w.context.at("map").content == core::value(core::dict{{"😀", 1}}));
  CHECK(std::get<core::shell_action>(w.tasks[0].action).script == "echo \"ä\"");
}

TEST_CASE("a byte order mark and line ends of any kind do no harm", "[io][workflow]") {
  const auto w = sound("\xEF\xBB\xBFmaze: 1\r\nname: w\r\ntasks:\r\n  a:\r\n    command: [ls]\r\n"
                       "    output: {r: dict}\r\n");
  CHECK(w.name == "w");
  CHECK(w.tasks[0].output.keys.at(0).key == "r");
  CHECK(sound("\xEF\xBB\xBF{\"maze\": 1, \"name\": \"w\", \"tasks\": {\"a\": {\"shell\": \"x\", "
              "\"output\": {\"r\": null}}}}",
              io::text_format::json)
            .name
        == "w");
}

TEST_CASE("a version directive, a document start and an end are accepted", "[io][workflow]") {
  CHECK(sound("%YAML 1.2\n---\nmaze: 1\nname: w\ntasks: {a: {shell: x, output: {r: dict}}}\n...\n")
            .name
        == "w");
}

TEST_CASE("an output may be declared by type, by a map, by name alone", "[io][workflow]") {
  CHECK(only_task("    shell: x\n    output: {r: dict}\n").output
        == core::task_output{.keys = {{"r", "dict"}}});
  CHECK(only_task("    shell: x\n    output: {r: {type: dict}}\n").output
        == core::task_output{.keys = {{"r", "dict"}}});
  CHECK(only_task("    shell: x\n    output: {r: any}\n").output
        == core::task_output{.keys = {{"r", "any"}}});
  CHECK(only_task("    shell: x\n    output: {r: }\n").output
        == core::task_output{.keys = {{"r", "any"}}});
  CHECK(only_task("    shell: x\n    output: {r: {}}\n").output
        == core::task_output{.keys = {{"r", "any"}}});
}

TEST_CASE("resources and limits are read with their units", "[io][workflow]") {
  const auto task = only_task(command_task + R"(
    cpus: 0.5
    memory: 1.5GiB
    gpus: 2
    timeout: 90s
    retries: 3
    priority: -20
    ok_exit: [1, 0, 2, 1]
    sandbox:
      level: seccomp
      cpu_time: 2m
      address_space: 4GB
      file_size: 0
      open_files: 64
      processes: 8
)");
  using namespace std::chrono_literals;
  CHECK(task.needs == core::resources{500, {1610612736}, 2});
  CHECK(task.sandbox
        == core::sandbox_spec{.level = core::sandbox_level::seccomp,
                              .wall_time = 90s,
                              .cpu_time = 2min,
                              .address_space = core::byte_count{4000000000},
                              .file_size = core::byte_count{0},
                              .open_files = 64,
                              .processes = 8});
  CHECK(task.retries == 3);
  CHECK(task.priority == -20);
  CHECK(task.ok_exit == std::vector<std::int32_t>{0, 1, 2});
}

TEST_CASE("cpus are counted in thousandths without rounding surprises", "[io][workflow]") {
  CHECK(only_task(command_task + "    cpus: 0.001\n").needs.cpu_millis == 1);
  CHECK(only_task(command_task + "    cpus: 1.1\n").needs.cpu_millis == 1100);
  CHECK(only_task(command_task + "    cpus: 2.007\n").needs.cpu_millis == 2007);
  CHECK(only_task(command_task + "    cpus: 4000000\n").needs.cpu_millis == 4000000000U);
}

TEST_CASE("memory may be a plain number of bytes", "[io][workflow]") {
  CHECK(only_task(command_task + "    memory: 4096\n").needs.memory.value == 4096);
  CHECK(only_task(command_task + "    memory: \"4096\"\n").needs.memory.value == 4096);
}

TEST_CASE("what a task says goes before the defaults, part by part", "[io][workflow]") {
  using namespace std::chrono_literals;
  const auto w = sound(R"(
maze: 1
name: w
tasks:
  a: {command: [ls]}
  b:
    command: [ls]
    output: {other: any}
    cpus: 2
    timeout: null
    env: {B: mine, C: three}
    sandbox: {cpu_time: null, processes: 9}
    ok_exit: []
  c: {command: [ls], sandbox: container}
defaults:
  output: {r: dict}
  cpus: 4
  memory: 1GB
  timeout: 10m
  retries: 5
  env: {A: one, B: two}
  sandbox: {level: seccomp, cpu_time: 1m, open_files: 7}
  ok_exit: [3]
  priority: 2
)");
  const auto& a = w.tasks[0];
  CHECK(a.output == core::task_output{.keys = {{"r", "dict"}}});
  CHECK(a.needs == core::resources{4000, {1000000000}, 0});
  CHECK(a.sandbox.level == core::sandbox_level::seccomp);
  CHECK(a.sandbox.wall_time == core::duration(10min));
  CHECK(a.retries == 5);
  CHECK(a.priority == 2);
  CHECK(a.ok_exit == std::vector<std::int32_t>{0, 3});
  CHECK(a.environment == std::map<std::string, std::string>{{"A", "one"}, {"B", "two"}});
  const auto& b = w.tasks[1];
  CHECK(b.output == core::task_output{.keys = {{"other", "any"}}});
  CHECK(b.needs == core::resources{2000, {1000000000}, 0});
  CHECK_FALSE(b.sandbox.wall_time);
  CHECK_FALSE(b.sandbox.cpu_time);
  CHECK(b.sandbox.level == core::sandbox_level::seccomp);
  CHECK(b.sandbox.open_files == 7);
  CHECK(b.sandbox.processes == 9);
  CHECK(b.ok_exit == std::vector<std::int32_t>{0});
  CHECK(b.environment
        == std::map<std::string, std::string>{{"A", "one"}, {"B", "mine"}, {"C", "three"}});
  CHECK(w.tasks[2].sandbox.level == core::sandbox_level::container);
  CHECK(w.tasks[2].sandbox.open_files == 7);
}

TEST_CASE("inputs are literals, references, lists of both, and dictionaries", "[io][workflow]") {
  const auto w = sound(R"(
maze: 1
name: w
tasks:
  a: {command: [ls], output: {r: dict}}
  b:
    command: [ls]
    output: {r: dict}
    inputs:
      whole: 7
      fraction: 1.5
      text: hello world
      quoted: "7"
      nothing: null
      one: a.output.r.stdout
      in_quotes: "a.output.r.exit_code"
      everything: a.output
      words: [1, x, [true]]
      mixed: [1, a.output.r, [a.output.r.stderr, {literal: a.output.x}]]
      map: {k: [1, {n: null}], "y": yes please}
      as_text: {literal: report.output.txt}
      as_map: {literal: {k: a.output.zzz}}
)");
  const auto& in = w.tasks[1].inputs;
  CHECK(in.at("whole") == literal(7));
  CHECK(in.at("fraction") == literal(1.5));
  CHECK(in.at("text") == literal("hello world"));
  CHECK(in.at("quoted") == literal("7"));
  CHECK(in.at("nothing") == literal(nullptr));
  CHECK(in.at("one") == refer("a.output.r.stdout"));
  CHECK(in.at("in_quotes") == refer("a.output.r.exit_code"));
  CHECK(in.at("everything") == refer("a.output"));
  CHECK(in.at("words") == literal(core::list{1, "x", core::list{true}}));
  CHECK(in.at("mixed")
        == core::input_expression{core::input_list{
            literal(1),
            refer("a.output.r"),
            {core::input_list{refer("a.output.r.stderr"), literal("a.output.x")}}}});
  CHECK(in.at("map")
        == literal(
            core::dict{{"k", core::list{1, core::dict{{"n", nullptr}}}}, {"y", "yes please"}}));
  CHECK(in.at("as_text") == literal("report.output.txt"));
  CHECK(in.at("as_map") == literal(core::dict{{"k", "a.output.zzz"}}));
}

TEST_CASE("parameters are declared by params and by inputs", "[io][workflow]") {
  const auto task = only_task(command_task + R"(
    params:
      needed:
      typed: int
      full: {type: float, default: 3}
      loose: {default: [1]}
      maybe: {type: any, default: null}
      place: {type: path, default: /tmp}
    inputs: {needed: 1, typed: 5, extra: x}
)");
  using p = core::parameter;
  CHECK(task.parameters
        == std::vector<p>{
            p{"needed", "any", {}}, p{"typed", "int", {}}, p{"full", "float", core::value(3)},
            p{"loose", "any", core::value(core::list{1})}, p{"maybe", "any", core::value()},
            p{"place", "path", core::value("/tmp")}, p{"extra", "any", {}}});
}

TEST_CASE("a command's words are scalars, references, literals and parameters", "[io][workflow]") {
  const auto w = sound(R"(
maze: 1
name: w
tasks:
  a: {shell: ls, output: {r: dict}}
  b:
    command:
      [prog, "", -q, 1, 2.5, true, "0755", "yes", a.output.r.exit_code, {literal: a.output.r},
       {literal: 3}, {param: shard}, {param: declared}]
    params: {declared: string}
    inputs: {shard: 0, declared: x}
    output: {r: dict}
)");
  const std::vector<core::command_word> wanted{literal("prog"),
                                               literal(""),
                                               literal("-q"),
                                               literal(1),
                                               literal(2.5),
                                               literal(true),
                                               literal("0755"),
                                               literal("yes"),
                                               refer("a.output.r.exit_code"),
                                               literal("a.output.r"),
                                               literal(3),
                                               core::parameter_word{"shard"},
                                               core::parameter_word{"declared"}};
  CHECK(std::get<core::command_action>(w.tasks[1].action).argv == wanted);
}

TEST_CASE("a script may be a block of text with tabs and colons", "[io][workflow]") {
  const auto task = only_task("    shell: |\n      cat <<X\n      \tkey: value\n      X\n"
                              "    output: {r: dict}\n");
  CHECK(std::get<core::shell_action>(task.action).script == "cat <<X\n\tkey: value\nX\n");
}

TEST_CASE("tasks may refer to what stands behind them", "[io][workflow]") {
  const auto w = sound("maze: 1\nname: w\ntasks:\n"
                       "  b: {command: [cat, a.output.r.stdout], output: {r: dict}, after: [c]}\n"
                       "  a: {command: [ls], output: {r: dict}}\n"
                       "  c: {command: [ls], output: {r: dict}, after: [a]}\n");
  CHECK(w.tasks[0].after == std::vector<std::string>{"c"});
  CHECK(core::referenced_tasks(w.tasks[0]) == std::vector<std::string>{"a"});
}

TEST_CASE("an output's key in quotes is the same key", "[io][workflow]") {
  const auto w = sound("maze: 1\nname: w\ntasks: {a: {shell: x, output: {r: dict}}}\n"
                       "result: 'a.output.\"r\".stdout'\n");
  CHECK(w.result == core::parse_reference("a.output.r.stdout").value());
}

TEST_CASE("keys are text whatever YAML readers think of them", "[io][workflow]") {
  const auto w = sound("maze: 1\nname: w\ncontext: {on: 1, y: 2, map: {1: a, 2024-01-31: b}}\n"
                       "tasks: {no: {shell: x, output: {off: dict}}}\n");
  CHECK(w.context.at("on").content == core::value(1));
  CHECK(w.context.at("map").content == core::value(core::dict{{"1", "a"}, {"2024-01-31", "b"}}));
  CHECK(w.tasks[0].name == "no");
  CHECK(w.tasks[0].output.keys.at(0).key == "off");
}

TEST_CASE("text that only resembles a trap stays text", "[io][workflow]") {
  const auto w = sound("maze: 1\nname: w\ntasks: {a: {shell: x, output: {r: dict}}}\n"
                       "context: {x: [1.2.3, 8080:80, yesterday, -x, v1_0, 0xyz, a:b, +, -, ., "
                       "10:75, 2024-01, .info, nan, e5, \"~\", http://x/y]}\n");
  const core::list wanted{"1.2.3", "8080:80", "yesterday", "-x", "v1_0",      "0xyz",
                          "a:b",   "+",       "-",         ".",  "10:75",     "2024-01",
                          ".info", "nan",     "e5",        "~",  "http://x/y"};
  CHECK(w.context.at("x").content == core::value(wanted));
}

TEST_CASE("numbers reach to the ends of 64 bits", "[io][workflow]") {
  const auto w = sound("maze: 1\nname: w\ntasks: {a: {shell: x, output: {r: dict}}}\n"
                       "context: {x: [9223372036854775807, -9223372036854775808, -0.5e-3, 0]}\n");
  const core::list wanted{std::int64_t{9223372036854775807},
                          std::numeric_limits<std::int64_t>::min(), -0.0005, 0};
  CHECK(w.context.at("x").content == core::value(wanted));
}

TEST_CASE("files, patterns to collect and patterns to delete are kept in order", "[io][workflow]") {
  const auto w = sound(R"(
maze: 1
name: w
files:
  - ../shared/data.csv
  - {from: src, match: "*.c"}
  - {from: big.bin, to: data/big.bin}
tasks:
  a: {shell: x, output: {r: dict}, deletes: ["*.tmp", cache/**], publishes: [gen.py]}
collect: ["*.svg", "out/*"]
)");
  CHECK(w.files
        == std::vector<core::file_source>{
            {"../shared/data.csv", "", ""}, {"src", "*.c", ""}, {"big.bin", "", "data/big.bin"}});
  CHECK(w.collect == std::vector<std::string>{"*.svg", "out/*"});
  CHECK(w.tasks[0].deletes == std::vector<std::string>{"*.tmp", "cache/**"});
  CHECK(w.tasks[0].publishes == std::vector<std::string>{"gen.py"});
}
