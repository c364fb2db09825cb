#include "maze/core/call_plan.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

call_function cpp(std::string name) { return {name, function_action{"lib", name}}; }
call_function python(std::string name) {
  return {std::move(name), python_action{python_source::code, "def f(): pass", ""}};
}
std::string why(const call_plan& plan) {
  const auto checked = check_call_plan(plan);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == errc::invalid_argument);
  return checked.error().message;
}

} // namespace

TEST_CASE("a plan names functions that one child can call", "[core][call_plan]") {
  CHECK(check_call_plan({.functions = {cpp("a"), cpp("b")}}));
  CHECK(check_call_plan({.functions = {python("a")}}));
  CHECK(why({}).find("names 1 to 4096 functions, this one 0") != std::string::npos);
  CHECK(why({.functions = {cpp("a"), python("b")}}).find("'b'") != std::string::npos);
  CHECK(why({.functions = {python("a"), cpp("b")}}).find("runs of their own") != std::string::npos);
  CHECK(why({.functions = {cpp("1a")}}).find("no name") != std::string::npos);
  CHECK(why({.functions = {{"a", shell_action{"true"}}}}).find("no calls") != std::string::npos);
}

TEST_CASE("calls without a name are named by what they call", "[core][call_plan]") {
  const call_function nameless{"", function_action{"text", "count"}};
  CHECK(check_call_plan({.functions = {nameless}}));
  CHECK(nameless.shown_name() == "count()");
  CHECK(cpp("a").shown_name() == "a");
  CHECK(why({.functions = {{"", function_action{"text", "1"}}}}).find("calls of '1()'")
        != std::string::npos);
}

TEST_CASE("calls have no files, so Python comes as code", "[core][call_plan]") {
  call_plan plan{.functions = {python("a")}};
  std::get<python_action>(plan.functions[0].action).source = python_source::file;
  CHECK(why(plan).find("give the code itself") != std::string::npos);
  plan.functions = {python("a")};
  std::get<python_action>(plan.functions[0].action).text = std::string("a\0b", 3);
  CHECK(why(plan).find("NUL") != std::string::npos);
}

TEST_CASE("so many lanes are kept ready at most", "[core][call_plan]") {
  CHECK(check_call_plan({.functions = {cpp("a")}, .lanes_min = 1024}));
  CHECK(why({.functions = {cpp("a")}, .lanes_min = 1025}).find("at most 1024")
        != std::string::npos);
}

TEST_CASE("priority, retries and labels of a plan have bounds", "[core][call_plan]") {
  CHECK(why({.functions = {cpp("a")}, .labels = {{"", "x"}}}).find("label ''")
        != std::string::npos);
  CHECK(why({.functions = {cpp("a")}, .priority = 21}).find("-20 and 20") != std::string::npos);
  CHECK(why({.functions = {cpp("a")}, .retries = 256}).find("255") != std::string::npos);
}
