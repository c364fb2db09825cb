#include "maze/core/descriptor.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace maze::core;

namespace {

task_action command(command_word first) { return command_action{{std::move(first)}}; }
task_action program(std::string path) { return command(input_expression{value(std::move(path))}); }
task_action python(python_source source, std::string text, std::string entry) {
  return python_action{source, std::move(text), std::move(entry)};
}
const task_action count = function_action{"text", "count"};

} // namespace

TEST_CASE("what is called has a place, a short name and a name for calls without one",
          "[core][descriptor]") {
  struct example {
    task_action action;
    action_kind kind;
    std::string site;
    std::string call;
  };
  const auto wanted = GENERATE(
      example{count, action_kind::library_function, "text.count", "count"},
      example{python(python_source::file, "tools/report.py", "draw"), action_kind::python_function,
              "tools/report.py:draw", "draw"},
      example{python(python_source::file, "tools/report.py", ""), action_kind::python_function,
              "tools/report.py", "tools/report.py"},
      example{python(python_source::code, "def f(): pass", "f"), action_kind::python_function,
              "code:f", "f"},
      example{python(python_source::pickle, "gAWV", ""), action_kind::python_function, "pickle",
              "pickle"},
      example{program("/usr/bin/sort"), action_kind::command, "/usr/bin/sort", "sort"},
      example{program("bin/tool/"), action_kind::command, "bin/tool/", "tool"},
      example{program("/"), action_kind::command, "/", "/"},
      example{command(parameter_word{"program"}), action_kind::command, "$program", "$program"},
      example{command_action{}, action_kind::command, "?", "?"},
      example{shell_action{"sort a"}, action_kind::shell, "/bin/sh", "sh"});
  CHECK(kind_of(wanted.action) == wanted.kind);
  CHECK(call_site(wanted.action) == wanted.site);
  CHECK(call_string(wanted.action) == wanted.call);
  CHECK(default_task_name(wanted.action) == wanted.call + "()");
}

TEST_CASE("kinds are called as workflow files call them", "[core][descriptor]") {
  CHECK(to_string(action_kind::command) == "command");
  CHECK(to_string(action_kind::shell) == "shell");
  CHECK(to_string(action_kind::library_function) == "function");
  CHECK(to_string(action_kind::python_function) == "python");
}

TEST_CASE("a descriptor tells apart whatever does something else", "[core][descriptor]") {
  const library_refs one{{"text", {{1, 2}, 100}}};
  const library_refs other{{"text", {{1, 3}, 100}}};
  CHECK(descriptor(count, one) == descriptor(function_action{"text", "count"}, one));
  // What a library weighs follows from its content.
  CHECK(descriptor(count, one) == descriptor(count, {{"text", {{1, 2}, 1}}}));
  const std::set<std::string> all{descriptor(count, {}),
                                  descriptor(count, one),
                                  descriptor(count, other),
                                  descriptor(function_action{"text", "words"}, one),
                                  descriptor(function_action{"tex", "tcount"}, one),
                                  descriptor(python(python_source::file, "a.py", "f"), one),
                                  descriptor(python(python_source::code, "a.py", "f"), one),
                                  descriptor(python(python_source::file, "a.py", "g"), one),
                                  descriptor(shell_action{"sort a"}, one),
                                  descriptor(program("sort"), one),
                                  descriptor(program("sort a"), one)};
  CHECK(all.size() == 11);
}
