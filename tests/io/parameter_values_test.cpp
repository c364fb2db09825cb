#include "maze/io/parameter_values.hpp"

#include <catch2/catch.hpp>

using namespace maze;

namespace {

/// A task with the parameter `p` of a type.
io::read_task_result task(const std::string& type, io::parameter_site site = {}) {
  io::read_task_result out;
  out.spec.name = "t";
  out.spec.parameters = {{.name = "p", .type = type}};
  out.parameters = {std::move(site)};
  return out;
}

io::read_task_result as_word(io::read_task_result x) {
  x.sites.parameter_words = {{"p", 7, "w"}};
  return x;
}

/// The codes of what is wrong, in order.
std::string codes(const io::read_task_result& one, const io::read_context& context = {}) {
  const io::source_text source("some text");
  io::findings found(source);
  io::check_parameters(found, {one}, context);
  std::string out;
  for (const auto& x : found.take("f"))
    out += (out.empty() ? "" : " ") + x.code;
  return out;
}

io::read_context context_of(std::string_view type) {
  return {.complete = true, .entries = {{"p", {.offset = 3, .type = type}}}};
}

} // namespace

TEST_CASE("a parameter wants an input, a context entry of its name or a default",
          "[io][workflow]") {
  CHECK(codes(task("any")) == "parameter_without_value");
  CHECK(codes(task("any", {.in_inputs = true})).empty());
  CHECK(codes(task("any", {.settled = true})).empty());
  CHECK(codes(task("any"), context_of("int")).empty());
  CHECK(codes(task("any"), context_of("")).empty());
  CHECK(codes(task("any"), {.complete = false, .entries = {}}).empty());
}

TEST_CASE("a context entry fits the parameters that take it", "[io][workflow]") {
  CHECK(codes(task("float"), context_of("int")).empty());
  CHECK(codes(task("path"), context_of("string")).empty());
  CHECK(codes(task("int"), context_of("string")) == "type_mismatch");
  CHECK(codes(task("int", {.settled = true}), context_of("string")) == "type_mismatch");
  CHECK(codes(task("int", {.in_inputs = true}), context_of("string")).empty());
  CHECK(codes(task("int"), context_of("")).empty());
}

TEST_CASE("a parameter that is a word holds something that a word can hold", "[io][workflow]") {
  for (const auto* type : {"list", "dict", "bytes", "null"}) {
    CHECK(codes(as_word(task(type, {.settled = true}))) == "not_a_word");
    CHECK(codes(task(type, {.settled = true})).empty());
    if (std::string_view(type) != "bytes")
      CHECK(codes(as_word(task("any")), context_of(type)) == "not_a_word");
  }
  CHECK(codes(as_word(task("any")), context_of("bool")).empty());
  const auto with_input = [](core::input_expression input) {
    auto out = as_word(task("any", {.in_inputs = true}));
    out.spec.inputs.emplace("p", std::move(input));
    return codes(out, context_of("dict"));
  };
  CHECK(with_input({core::value(1)}).empty());
  CHECK(with_input({core::value()}) == "not_a_word");
  CHECK(with_input({core::input_list{}}) == "not_a_word");
  CHECK(with_input({core::parse_reference("a.output.r").value()}) == "not_a_word");
  CHECK(with_input({core::parse_reference("a.output.r.stdout").value()}).empty());
  auto by_default = as_word(task("any", {.settled = true}));
  by_default.spec.parameters[0].default_value = core::value(core::dict{});
  CHECK(codes(by_default) == "not_a_word");
  // An input that could not be read hides its value, and the context does not count then.
  CHECK(codes(as_word(task("any", {.in_inputs = true})), context_of("dict")).empty());
}

TEST_CASE("a value of a wrong type is told once", "[io][workflow]") {
  CHECK(codes(as_word(task("int")), context_of("list")) == "type_mismatch");
}
