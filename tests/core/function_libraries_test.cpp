#include "maze/core/function_libraries.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using texts = std::vector<std::string>;

namespace {

task_spec calling_of(const char* name, task_action action, child_use child = child_use::fresh) {
  task_spec out;
  out.name = name;
  out.action = std::move(action);
  out.child = child;
  return out;
}

} // namespace

TEST_CASE("a child needs the libraries that it may be asked to call, and no others",
          "[core][function_libraries]") {
  const auto made = graph::build({
      calling_of("command", shell_action{"ls"}),
      calling_of("python", python_action{python_source::code, "def f(): pass", ""},
                 child_use::warm),
      calling_of("fresh", function_action{"one", "f"}),
      calling_of("warm", function_action{"two", "f"}, child_use::warm),
      calling_of("forked", function_action{"three", "f"}, child_use::forked),
      calling_of("again", function_action{"two", "g"}, child_use::warm),
  });
  REQUIRE(made);
  const auto needed = [&](const char* name) { return libraries_of(*made, *made->find(name)); };
  CHECK(needed("command").empty());
  CHECK(needed("python").empty());
  CHECK(needed("fresh") == texts{"one"});
  CHECK(needed("warm") == texts{"two", "three"});
  CHECK(needed("forked") == texts{"three", "two"});
}

TEST_CASE("a plan needs the libraries of its functions, in their order",
          "[core][function_libraries]") {
  call_plan plan;
  plan.functions = {{"", function_action{"b", "f"}},
                    {"", function_action{"a", "f"}},
                    {"", function_action{"b", "g"}}};
  CHECK(libraries_of(plan) == texts{"b", "a"});
  plan.functions = {{"", python_action{python_source::code, "def f(): pass", ""}}};
  CHECK(libraries_of(plan).empty());
}
