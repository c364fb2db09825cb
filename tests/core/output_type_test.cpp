#include "maze/core/output_type.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

std::string_view type_of(const char* text, const task_spec& target) {
  return output_type(parse_reference(text).value(), target);
}

task_spec producer(task_action action, task_output output) {
  task_spec out;
  out.name = "a";
  out.action = std::move(action);
  out.output = std::move(output);
  return out;
}

} // namespace

TEST_CASE("what a command gives is known before it runs", "[core][output_type]") {
  const auto one = producer(shell_action{"ls"}, {output_form::one, {{"run", "any"}}});
  CHECK(type_of("a.output", one) == "dict");
  CHECK(type_of("a.output.run", one) == "dict");
  CHECK(type_of("a.output.run.exit_code", one) == "int");
  CHECK(type_of("a.output.run.stdout", one) == undeclared_stream);
  const auto many =
      producer(shell_action{"ls"}, {output_form::many, {{"stdout", "bytes"}, {"stderr", "any"}}});
  CHECK(type_of("a.output.stdout", many) == "bytes");
  CHECK(type_of("a.output.stderr", many) == undeclared_stream);
}

TEST_CASE("what a function gives is what its task declares", "[core][output_type]") {
  const auto one = producer(function_action{"l", "f"}, {output_form::one, {{"table", "dict"}}});
  CHECK(type_of("a.output.table", one) == "dict");
  CHECK(type_of("a.output.table.deep", one) == "any");
  const auto many =
      producer(function_action{"l", "f"}, {output_form::many, {{"n", "int"}, {"x", "any"}}});
  CHECK(type_of("a.output.n", many) == "int");
  CHECK(type_of("a.output.x", many) == "any");
}

TEST_CASE("what cannot be told before it runs is not refused", "[core][output_type]") {
  for (const char* wanted : {"string", "path", "bytes", "any"})
    CHECK(type_may_be(undeclared_stream, wanted));
  for (const char* wanted : {"int", "list", "dict", "null"})
    CHECK_FALSE(type_may_be(undeclared_stream, wanted));
  CHECK(type_may_be("any", "int"));
  CHECK(type_may_be("int", "any"));
  CHECK(type_may_be("int", "float"));
  CHECK_FALSE(type_may_be("float", "int"));
  CHECK(type_may_be("path", "string"));
  CHECK(type_may_be("string", "path"));
  CHECK_FALSE(type_may_be("bytes", "string"));
}

TEST_CASE("where a path leads nowhere nothing is known", "[core][output_type]") {
  const auto one = producer(shell_action{"ls"}, {output_form::one, {{"run", "dict"}}});
  for (const char* text : {"a.output.ran", "a.output[0]", "a.output.run[0]", "a.output.run.x",
                           "a.output.run.stdout.x"})
    CHECK(type_of(text, one) == "any");
  const auto many = producer(shell_action{"ls"}, {output_form::many, {{"stdout", "any"}}});
  CHECK(type_of("a.output.stdout[0]", many) == "any");
  CHECK(command_part_type("x") == "any");
  CHECK(command_part_type("x", "int") == "int");
}
