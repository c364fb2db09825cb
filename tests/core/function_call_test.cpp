#include "maze/core/function_call.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using Catch::Contains;

namespace {

task_spec function_of(output_form form, std::vector<output_spec> keys) {
  task_spec out;
  out.name = "count";
  out.action = python_action{python_source::code, "def f(n): return n", "f"};
  out.output = {form, std::move(keys)};
  return out;
}

/// What becomes of `returned`.
result<value> outcome(const task_spec& spec, const value& returned) {
  const auto encoded = outcome_of_function(spec, encode(returned).value());
  if (!encoded)
    return fail(encoded.error());
  return decode(*encoded);
}

value nested(int levels) {
  value out(1);
  for (int i = 0; i < levels; ++i)
    out = value(list{out});
  return out;
}

const auto one_int = function_of(output_form::one, {{"n", "int"}});
const auto two = function_of(output_form::many, {{"lines", "int"}, {"words", "float"}});

} // namespace

TEST_CASE("the arguments of a function travel by name", "[core][function_call]") {
  const resolved_call call{.arguments = {{"n", value(3)}, {"path", value("a.txt")}}, .argv = {}};
  const auto encoded = encode_arguments(one_int, call);
  REQUIRE(encoded);
  CHECK(decode(*encoded) == value(dict{{"n", value(3)}, {"path", value("a.txt")}}));
  CHECK(decode(*encode_arguments(one_int, {})) == value(dict()));
}

TEST_CASE("an argument that cannot be encoded is named", "[core][function_call]") {
  resolved_call call{.arguments = {{"n", value(3)}, {"text", value("\xff")}}, .argv = {}};
  CHECK_THAT(encode_arguments(one_int, call).error().message,
             Contains("task 'count'") && Contains("argument 'text'"));
  call.arguments = {{"deep", nested(64)}};
  CHECK(encode_arguments(one_int, call).error().code == errc::limit_exceeded);
  CHECK_THAT(encode_arguments(one_int, call).error().message, Contains("together"));
}

TEST_CASE("what a function returns is the value of the one output", "[core][function_call]") {
  CHECK(outcome(one_int, value(7)) == value(dict{{"n", value(7)}}));
  const auto any = function_of(output_form::one, {{"r", "any"}});
  CHECK(outcome(any, value(nullptr)) == value(dict{{"r", value(nullptr)}}));
}

TEST_CASE("an output of another type is refused by key and types", "[core][function_call]") {
  const auto refused = outcome(one_int, value("seven"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_payload);
  CHECK_THAT(refused.error().message, Contains("'n'") && Contains("int") && Contains("string"));
}

TEST_CASE("with several outputs the declared keys are taken from what the function returns",
          "[core][function_call]") {
  const value all(dict{{"lines", value(2)}, {"words", value(9)}, {"rest", value("dropped")}});
  CHECK(outcome(two, all) == value(dict{{"lines", value(2)}, {"words", value(9)}}));
  CHECK_THAT(outcome(two, value(dict{{"lines", value(2)}})).error().message,
             Contains("no 'words'") && Contains("float"));
  CHECK_THAT(outcome(two, value(dict{{"lines", value("2")}, {"words", value(9)}})).error().message,
             Contains("'lines'") && Contains("string"));
  const auto refused = outcome(two, value(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_payload);
  CHECK_THAT(refused.error().message, Contains("a dictionary, not int"));
}

TEST_CASE("bytes that are no value fail the attempt and nothing else", "[core][function_call]") {
  CHECK(outcome_of_function(one_int, "\x0f").error().code == errc::invalid_payload);
  CHECK(outcome_of_function(one_int, "").error().code == errc::invalid_payload);
  const auto any = function_of(output_form::one, {{"r", "any"}});
  CHECK(outcome(any, nested(63)));
  const auto deep = outcome(any, nested(64));
  REQUIRE_FALSE(deep);
  CHECK(deep.error().code == errc::limit_exceeded);
}

TEST_CASE("a call is resolved from outputs as they travel", "[core][function_call]") {
  task_spec spec = one_int;
  spec.parameters = {{"n", "int", std::nullopt}};
  spec.inputs["n"].source = parse_reference("before.output.k").value();
  const auto output = encode(value(dict{{"k", value(7)}})).value();
  const auto call = resolve_encoded_call(spec, {}, {{"before", output}});
  REQUIRE(call);
  CHECK(call->arguments.at("n") == value(7));
  CHECK(resolve_encoded_call(spec, {}, {{"before", "\xff"}}).error().code == errc::malformed);
}

TEST_CASE("an end without an answer says what it may come from", "[core][function_call]") {
  CHECK_THAT(instead_of_returning(3), Catch::EndsWith("exit status 3 instead of returning"));
  CHECK_THAT(instead_of_returning(host_broken),
             Catch::Contains("status 70") && Catch::Contains("closed descriptors"));
}
