#include "maze/io/function_reader.hpp"

#include "maze/io/workflow_file.hpp"
#include "support/read_document.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using core::function_action;
using core::python_action;
using core::python_source;
using core::task_action;

namespace {

std::optional<io::read_function_result> read_kind(test::read_document& doc) {
  const auto& members = *doc.root.as_map();
  const auto* kind = io::find_kind(members);
  REQUIRE(kind != nullptr);
  return io::read_function(doc.read, *kind, members, doc.field);
}

task_action action_of(const std::string& text) {
  test::read_document doc(text);
  const auto out = read_kind(doc);
  CHECK(doc.codes().empty());
  REQUIRE(out);
  return out->action;
}

std::string refused(const std::string& text) {
  test::read_document doc(text);
  CHECK_FALSE(read_kind(doc));
  return doc.codes();
}

std::string refused_keys(const std::string& text) {
  test::read_document doc(text);
  const auto& members = *doc.root.as_map();
  io::check_function_keys(doc.read, io::find_kind(members)->key, members, doc.field);
  return doc.codes();
}

core::workflow sound_workflow(std::string_view text) {
  auto workflow = io::parse_workflow(text, "w", io::text_format::yaml);
  REQUIRE(workflow);
  return *std::move(workflow);
}

} // namespace

TEST_CASE("commands and scripts are no functions, all other kinds are", "[io][workflow]") {
  for (const auto kind : io::task_kinds())
    CHECK(io::is_function_kind(kind) == (kind != "command" && kind != "shell"));
  CHECK_FALSE(io::is_function_kind("output"));
  test::read_document doc("{output: {r: int}, code: x}");
  CHECK(io::find_kind(*doc.root.as_map())->key == "code");
  test::read_document none("{output: {r: int}}");
  CHECK(io::find_kind(*none.root.as_map()) == nullptr);
}

TEST_CASE("a function names its library, and where that stands is kept", "[io][workflow]") {
  test::read_document doc("{function: text.count}");
  const auto out = read_kind(doc);
  REQUIRE(out);
  CHECK(out->action == task_action{function_action{"text", "count"}});
  REQUIRE(out->library);
  CHECK(out->library->name == "text");
  CHECK(out->library->field == "function");
  CHECK(out->library->offset == doc["function"].offset);
  for (const char* text : {"count", ".count", "text.", "text.count.all", "\"\"", "te xt.count"})
    CHECK(refused(std::string("{function: ") + text + "}") == "bad_function");
}

TEST_CASE("a Python file may name the function in it", "[io][workflow]") {
  CHECK(action_of("{python: \"src/plot.py:draw\"}")
        == task_action{python_action{python_source::file, "src/plot.py", "draw"}});
  CHECK(action_of("{python: plot.py}")
        == task_action{python_action{python_source::file, "plot.py", ""}});
  for (const char* text : {"/plot.py", "../plot.py", "a//b.py", "\":draw\"", "./plot.py"})
    CHECK(refused(std::string("{python: ") + text + "}") == "bad_path");
  CHECK(action_of("{python: \"plot.py:Shapes.draw\"}")
        == task_action{python_action{python_source::file, "plot.py", "Shapes.draw"}});
  for (const char* entry : {"", "draw all", "draw-all", "1st", "a.", ".a", "a..b", "a.b-c"})
    CHECK(refused("{python: \"plot.py:" + std::string(entry) + "\"}") == "bad_function");
}

TEST_CASE("code may name its entry", "[io][workflow]") {
  CHECK(action_of("code: |\n  def f(n):\n    return n\nentry: f\n")
        == task_action{python_action{python_source::code, "def f(n):\n  return n\n", "f"}});
  CHECK(action_of("{code: \"def f(): pass\"}")
        == task_action{python_action{python_source::code, "def f(): pass", ""}});
  CHECK(refused("{code: \" \\n\"}") == "empty_script");
  CHECK(action_of("{code_str: \"def f(): pass\", entry: f}")
        == task_action{python_action{python_source::code, "def f(): pass", "f"}});
  CHECK(refused("{code_str: \"\"}") == "empty_script");
  CHECK(refused_keys("{code_str: x, entry: f}").empty());
}

TEST_CASE("a pickle is base 64, in one line or more, under either name", "[io][workflow]") {
  CHECK(action_of("{pickle: gASVBQA=}")
        == task_action{python_action{python_source::pickle, "gASVBQA=", ""}});
  CHECK(action_of("serialized_code: |\n  gASV\n  BQA=\n")
        == task_action{python_action{python_source::pickle, "gASVBQA=", ""}});
  for (const char* text : {"gAS", "gASV====", "\"gA SV!\"", "\"\""})
    CHECK(refused(std::string("{pickle: ") + text + "}") == "bad_pickle");
}

TEST_CASE("keys of another kind of task are refused", "[io][workflow]") {
  CHECK(refused_keys("{code: x, entry: f, child: warm}").empty());
  CHECK(refused_keys("{shell: x, ok_exit: [1]}").empty());
  CHECK(refused_keys("{shell: x, child: fresh, entry: f}")
        == "key_of_other_kind key_of_other_kind");
  CHECK(refused_keys("{pickle: x, entry: f}") == "key_of_other_kind");
  CHECK(refused_keys("{python: x, entry: f, ok_exit: []}")
        == "key_of_other_kind key_of_other_kind");
}

TEST_CASE("a child is fresh unless the task says otherwise", "[io][workflow]") {
  const auto child = [](const std::string& text) {
    test::read_document doc(text);
    return io::read_child(doc.read, *doc.root.as_map(), doc.field);
  };
  CHECK(child("{code: x}") == core::child_use::fresh);
  CHECK(child("{child: fresh}") == core::child_use::fresh);
  CHECK(child("{child: warm}") == core::child_use::warm);
  CHECK(child("{child: hot}") == core::child_use::fresh);
}

TEST_CASE("a child that is kept may be bounded in its calls, no other", "[io][workflow]") {
  const auto calls = [](const std::string& text, core::child_use child) {
    test::read_document doc(text);
    const auto read = io::read_calls_max(doc.read, *doc.root.as_map(), doc.field, child);
    return std::pair(read, doc.codes());
  };
  CHECK(calls("{code: x}", core::child_use::warm) == std::pair(0U, std::string()));
  CHECK(calls("{max_calls: 3}", core::child_use::warm) == std::pair(3U, std::string()));
  CHECK(calls("{max_calls: 4294967295}", core::child_use::forked).first == 4294967295U);
  CHECK(calls("{max_calls: 0}", core::child_use::warm).second == "out_of_range");
  CHECK(calls("{max_calls: 3}", core::child_use::fresh)
        == std::pair(0U, std::string("key_of_other_kind")));
  CHECK(refused_keys("{shell: x, max_calls: 3}") == "key_of_other_kind");
}

TEST_CASE("what a child of many calls cannot heed is refused, that of defaults left out",
          "[io][workflow]") {
  test::read_document doc("{code: x, child: warm, env: {A: b}, reads: [a], writes: [b], "
                          "publishes: [c], deletes: [d]}");
  io::refuse_keys_of_fresh(doc.read, *doc.root.as_map(), doc.field);
  CHECK(doc.codes()
        == "key_of_other_kind key_of_other_kind key_of_other_kind key_of_other_kind "
           "key_of_other_kind");
  const auto w = sound_workflow(R"(
maze: 1
name: w
defaults: {env: {A: b}, output: {r: any}}
tasks:
  a: {code: "def f(): pass", child: warm}
  b: {code: "def f(): pass"}
)");
  CHECK(w.tasks[0].environment.empty());
  CHECK(w.tasks[1].environment.size() == 1);
}

TEST_CASE("functions are read, of libraries that may stand behind them", "[io][workflow]") {
  const auto w = sound_workflow(R"(
maze: 1
name: w
tasks:
  a: {function: text.count, inputs: {path: a.txt}, params: {top: int}, output: {n: int}, child: warm}
  b: {code: "def f(n): return {}", inputs: {n: a.output.n}, outputs: many, output: {x: list, y: any}}
  c: {command: [ls, a.output.n, "b.output.x[0]", b.output.y.deep], output: {r: dict}}
libraries: {text: build/libtext.so}
result: b.output.x[3].key
)");
  CHECK(w.libraries.at("text") == "build/libtext.so");
  const auto& a = w.tasks[0];
  CHECK(a.action == core::task_action{core::function_action{"text", "count"}});
  // Whether `top` has a default is for the library to say.
  CHECK(
      a.parameters
      == std::vector<core::parameter>{{"top", "int", std::nullopt}, {"path", "any", std::nullopt}});
  CHECK(a.child == core::child_use::warm);
  const auto& b = w.tasks[1];
  CHECK(b.child == core::child_use::fresh);
  CHECK(b.output == core::task_output{core::output_form::many, {{"x", "list"}, {"y", "any"}}});
}

TEST_CASE("functions alone may inherit an output that no command has", "[io][workflow]") {
  const auto w = sound_workflow(R"(
maze: 1
name: w
defaults: {output: {n: int}, ok_exit: [1]}
tasks:
  a: {code: "def f(): return 1"}
  b: {shell: ls, output: {r: dict}}
)");
  CHECK(w.tasks[0].output.keys == std::vector<core::output_spec>{{"n", "int"}});
  CHECK(w.tasks[0].ok_exit == std::vector<std::int32_t>{0});
  CHECK(w.tasks[1].ok_exit == std::vector<std::int32_t>{0, 1});
}
