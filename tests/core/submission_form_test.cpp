#include "maze/core/submission_form.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace maze::core;
using Catch::Contains;

namespace {

task_spec full_task() {
  task_spec out;
  out.name = "count";
  command_action action;
  action.argv.emplace_back(input_expression{value("wc")});
  action.argv.emplace_back(parameter_word{"top"});
  action.argv.emplace_back(input_expression{reference{"split", {std::string("run"), 3U}}});
  out.action = action;
  out.parameters = {{"top", "int", value(5)}, {"files", "list", std::nullopt}};
  out.inputs["files"] = {input_list{{value("a")}, {reference{"split", {}}}, {input_list{}}}};
  out.output = {output_form::one, {{"table", "dict"}}};
  out.after = {"split"};
  out.needs = {1500, {1U << 20}, 1};
  out.sandbox.level = sandbox_level::subprocess;
  out.sandbox.wall_time = std::chrono::seconds(5);
  out.sandbox.open_files = 64;
  out.retries = 2;
  out.ok_exit = {0, -1, 7};
  out.environment["LANG"] = "C";
  out.deletes = {"*.tmp"};
  out.publishes = {"*.py"};
  out.files = {.reads = {"in"}, .writes = {"out"}, .report = file_report_mode::strict};
  out.priority = -3;
  out.labels = {{"disk", "ssd"}};
  return out;
}

submission_form full_form() {
  submission_form out;
  out.client_id = "0123";
  out.name = "words";
  out.tasks = {full_task()};
  task_spec first;
  first.name = "split";
  first.action = shell_action{"split in.txt"};
  first.output = {output_form::many, {{"stdout", "string"}, {"exit_code", "int"}}};
  out.tasks.push_back(first);
  out.context = {{"key", {value("hunter2"), true}}, {"n", {value(list{1, 2.5, nullptr}), false}}};
  out.files["in.txt"] = {.hash = {1, 2}, .size = 3};
  out.base = {7, 8};
  out.collect = {"*.svg"};
  out.result = reference{"count", {std::string("table")}};
  out.rules = {conflict_policy::rename, {"*.o"}, {"/keep/"}};
  task_spec function;
  function.name = "draw";
  function.action = function_action{"plot", "draw"};
  function.output = {output_form::many, {{"image", "bytes"}, {"width", "int"}}};
  function.child = child_use::warm;
  function.child_calls_max = 5;
  out.tasks.push_back(function);
  function.name = "check";
  function.action = python_action{python_source::file, "in.txt", "main"};
  out.tasks.push_back(function);
  out.libraries = {{"plot", {{3, 4}, 4096}}};
  out.tasks[1].sandbox.level = sandbox_level::container;
  out.tasks[1].sandbox.image = "../base.tar";
  out.tasks[1].sandbox.reuse = true;
  out.tasks[2].sandbox.level = sandbox_level::seccomp;
  out.tasks[2].sandbox.kill_on_violation = true;
  out.archives = {{"../base.tar", {{5, 6}, 10240}}};
  return out;
}

/// The message with which the form is refused once it has been to the other side.
std::string refused(const submission_form& form) {
  const auto encoded = encode_submission(form);
  REQUIRE(encoded);
  const auto back = decode_submission(*encoded);
  REQUIRE_FALSE(back);
  return back.error().message;
}

} // namespace

TEST_CASE("a submission comes back from its bytes", "[core][submission_form]") {
  const auto form = full_form();
  const auto encoded = encode_submission(form);
  REQUIRE(encoded);
  const auto back = decode_submission(*encoded);
  if (!back)
    FAIL(back.error().message);
  CHECK(*back == form);
  CHECK(encode_submission(*back) == encoded);
}

TEST_CASE("a value that cannot be encoded is named before anything travels",
          "[core][submission_form]") {
  value deep;
  for (int i = 0; i < 200; ++i)
    deep = value(list{deep});
  auto form = full_form();
  form.context["deep"] = {deep, false};
  CHECK_THAT(encode_submission(form).error().message, Contains("context entry 'deep'"));
  form = full_form();
  form.tasks[0].parameters[0].default_value = value("\xff");
  CHECK_THAT(encode_submission(form).error().message, Contains("task 'count'"));
}

TEST_CASE("a submission that no reader of workflow files would make is refused",
          "[core][submission_form]") {
  const auto changed = [](const auto& change) {
    auto form = full_form();
    change(form);
    return refused(form);
  };
  CHECK_THAT(changed([](auto& x) { x.client_id.clear(); }), Contains("submit id"));
  CHECK_THAT(changed([](auto& x) { x.client_id.assign(129, 'x'); }), Contains("submit id"));
  CHECK_THAT(changed([](auto& x) { x.name = "../up"; }), Contains("name"));
  CHECK_THAT(changed([](auto& x) { x.context["a b"] = {}; }), Contains("'a b'"));
  CHECK_THAT(changed([](auto& x) { x.files["../up"] = {}; }), Contains("../up"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].name = "a/b"; }), Contains("task 'a/b'"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].output.keys = {}; }), Contains("0 outputs"));
  CHECK_THAT(changed([](auto& x) {
               x.tasks[0].output.keys.push_back({"b", "any"});
             }),
             Contains("2 outputs"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].output.keys[0].key = "a b"; }), Contains("no name"));
  CHECK_THAT(changed([](auto& x) { x.tasks[1].output.keys[1].key = "stdout"; }), Contains("twice"));
  CHECK_THAT(changed([](auto& x) { x.tasks[1].output.keys[0].key = "image"; }),
             Contains("no output 'image'"));
  CHECK_THAT(changed([](auto& x) { x.tasks[1].output.keys[1].type = "string"; }),
             Contains("no output 'exit_code' of type string"));
  CHECK_THAT(changed([](auto& x) { x.rules.ignore = {"["}; }), Contains("no `]` closes"));
  CHECK_THAT(changed([](auto& x) { x.rules.include = {"../x"}; }), Contains("\"../x\""));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].parameters[1].name = "top"; }), Contains("'top'"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].parameters[1].type = "lst"; }), Contains("'lst'"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].inputs["none"] = {}; }), Contains("'none'"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].action = command_action{}; }), Contains("empty"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].parameters.erase(x.tasks[0].parameters.begin()); }),
             Contains("'top', which is no parameter"));
  CHECK_THAT(changed([](auto& x) { x.tasks[1].action = shell_action{std::string("a\0b", 3)}; }),
             Contains("NUL"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].environment["A=B"] = ""; }), Contains("'A=B'"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].environment["A"] = std::string(1, '\0'); }),
             Contains("'A'"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].sandbox.wall_time = duration(0); }),
             Contains("time limit"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].priority = 21; }), Contains("priority 21"));
  CHECK_THAT(changed([](auto& x) { x.tasks[0].labels[""] = "x"; }), Contains("label ''"));
}

TEST_CASE("a function that names nothing which the run has is refused", "[core][submission_form]") {
  const auto changed = [](std::size_t task, const task_action& action) {
    auto form = full_form();
    form.tasks[task].action = action;
    return refused(form);
  };
  CHECK_THAT(changed(2, function_action{"plto", "draw"}), Contains("no library 'plto'"));
  CHECK_THAT(changed(2, function_action{"../x", "draw"}), Contains("'../x'"));
  CHECK_THAT(changed(2, function_action{"plot", "a.b"}), Contains("'a.b'"));
  CHECK_THAT(changed(3, python_action{python_source::file, "out.py", ""}),
             Contains("no file 'out.py'"));
  CHECK_THAT(changed(3, python_action{python_source::file, "../in.txt", ""}),
             Contains("../in.txt"));
  CHECK_THAT(changed(3, python_action{python_source::file, "in.txt", "a-b"}), Contains("'a-b'"));
  CHECK_THAT(changed(3, python_action{python_source::code, "", ""}), Contains("no Python code"));
  CHECK_THAT(changed(3, python_action{python_source::code, std::string("a\0b", 3), ""}),
             Contains("NUL"));
  CHECK_THAT(changed(3, python_action{python_source::code, "\xff", ""}), Contains("UTF-8"));
  for (const char* text : {"a", "abc", "ab=c", "a===", "ab!d", "===="})
    CHECK_THAT(changed(3, python_action{python_source::pickle, text, ""}), Contains("base 64"));
  CHECK_THAT(changed(3, python_action{python_source::pickle, "abc=", "f"}), Contains("no entry"));
  auto form = full_form();
  form.libraries["plot"].size = 0;
  CHECK_THAT(refused(form), Contains("'plot'"));
  form.libraries["plot"].size = library_size_max + 1;
  CHECK_THAT(refused(form), Contains("4 GiB"));
}

TEST_CASE("what only functions have is refused of commands, and the other way round",
          "[core][submission_form]") {
  auto form = full_form();
  form.tasks[0].child = child_use::warm;
  CHECK_THAT(refused(form), Contains("child of its own"));
  form = full_form();
  form.tasks[2].ok_exit = {0, 1};
  CHECK_THAT(refused(form), Contains("no exit status"));
  form = full_form();
  form.tasks[0].sandbox.imports = std::vector<std::string>{"json"};
  CHECK_THAT(refused(form), Contains("`imports` is for Python"));
  form = full_form();
  form.tasks[2].child = child_use::warm;
  form.tasks[2].files.report = file_report_mode::observe;
  CHECK_THAT(refused(form), Contains("`file_report`"));
  form = full_form();
  form.tasks[2].child = child_use::fresh;
  CHECK_THAT(refused(form), Contains("`max_calls`"));
  form = full_form();
  form.tasks[0].child_calls_max = 1;
  CHECK_THAT(refused(form), Contains("child of its own"));
}

TEST_CASE("an archive that a sandbox names must come with the run", "[core][submission_form]") {
  auto form = full_form();
  form.archives.clear();
  CHECK_THAT(refused(form), Contains("task 'split'") && Contains("no archive '../base.tar'"));
  form.tasks[1].sandbox.image = "/srv/base.tar";
  CHECK(decode_submission(*encode_submission(form)));
  form.tasks[1].sandbox.image = "debian:12";
  CHECK(decode_submission(*encode_submission(form)));
  form.calls.emplace();
  form.calls->functions = {{.action = python_action{.text = "def f(): return 1"}}};
  form.calls->sandbox = {.level = sandbox_level::container, .image = "calls.tar"};
  CHECK_THAT(refused(form), Contains("no archive 'calls.tar'"));
  form.archives["calls.tar"] = {{1, 1}, 0};
  CHECK_THAT(refused(form), Contains("'calls.tar'") && Contains("1 byte to 64 GiB"));
  form.archives["calls.tar"].size = archive_size_max + 1;
  CHECK_THAT(refused(form), Contains("1 byte to 64 GiB"));
  form = full_form();
  for (std::size_t i = 0; i <= archives_max; ++i)
    form.archives[std::to_string(i) + ".tar"] = {{1, i}, 1};
  CHECK_THAT(refused(form), Contains("at most, this one 66"));
}

TEST_CASE("a submission of a newer format is refused as such", "[core][submission_form]") {
  auto encoded = *encode_submission(full_form());
  ++encoded[0];
  CHECK(decode_submission(encoded).error().code == errc::unsupported_operation);
  encoded[0] = 0;
  CHECK(decode_submission(encoded).error().code == errc::malformed);
  CHECK(decode_submission("").error().code == errc::malformed);
}

TEST_CASE("damaged bytes are refused or are another submission, never a crash",
          "[core][submission_form]") {
  std::mt19937 random(1);
  const auto encoded = *encode_submission(full_form());
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = encoded;
    for (auto hits = 1 + random() % 3; hits > 0; --hits)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    damaged.resize(damaged.size() - random() % 2);
    if (const auto read = decode_submission(damaged))
      CHECK(encode_submission(*read) == damaged);
  }
}
