#include "maze/core/task_spec.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace maze::core;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

reference ref(std::string_view text) {
  const auto x = parse_reference(text);
  REQUIRE(x.has_value());
  return *x;
}

input_expression from(std::string_view text) { return {ref(text)}; }
input_expression literal(value x) { return {std::move(x)}; }

error refused(const task_spec& spec, const context_map& context, const output_map& outputs) {
  const auto call = resolve_call(spec, context, outputs);
  REQUIRE_FALSE(call.has_value());
  CHECK(call.error().origin == "resolve");
  CHECK_THAT(call.error().message, Contains("task `" + spec.name + "`"));
  return call.error();
}

const output_map outputs{
    {"t1", dict{{"result", dict{{"image_path", "/tmp/a.jpg"},
                                {"objects", list{"cat", "dog"}},
                                {"none", nullptr}}}}},
    {"t2", dict{{"n", 7}}},
};

} // namespace

TEST_CASE("a parameter takes its value from the first source that has one", "[core][task_spec]") {
  for (int present = 0; present < 8; ++present) {
    const bool input = (present & 4) != 0;
    const bool context = (present & 2) != 0;
    const bool fallback = (present & 1) != 0;
    INFO("input " << input << ", context " << context << ", default " << fallback);
    task_spec spec{.name = "t", .parameters = {{.name = "x"}}};
    context_map entries{{"y", {"another"}}};
    if (input)
      spec.inputs = {{"x", literal("from input")}};
    if (context)
      entries["x"] = {"from context"};
    if (fallback)
      spec.parameters[0].default_value = "from default";
    const auto call = resolve_call(spec, entries, {});
    if (present == 0) {
      const auto wrong = refused(spec, entries, {});
      CHECK(wrong.code == errc::input_missing);
      CHECK_THAT(wrong.message, Contains("parameter `x`") && Contains("inputs")
                                    && Contains("context") && Contains("default"));
      continue;
    }
    const auto* expected = input ? "from input" : context ? "from context" : "from default";
    REQUIRE(call.has_value());
    CHECK(call->arguments == std::map<std::string, value>{{"x", expected}});
    CHECK(call->argv.empty());
  }
}

TEST_CASE("null counts as present in every source", "[core][task_spec]") {
  const value fallback = "fallback";
  task_spec spec{.name = "t", .parameters = {{.name = "x", .default_value = fallback}}};
  CHECK(resolve_call(spec, {{"x", {nullptr}}}, {})->arguments.at("x") == value());
  spec.inputs = {{"x", literal(nullptr)}};
  CHECK(resolve_call(spec, {{"x", {1}}}, {})->arguments.at("x") == value());
  spec.inputs = {{"x", from("t1.output.result.none")}};
  CHECK(resolve_call(spec, {{"x", {1}}}, outputs)->arguments.at("x") == value());
  spec.inputs.clear();
  spec.parameters[0].default_value = value();
  CHECK(resolve_call(spec, {}, {})->arguments.at("x") == value());
}

TEST_CASE("inputs are literals, references and lists that mix both", "[core][task_spec]") {
  task_spec spec{
      .name = "t",
      .parameters = {{.name = "image"}, {.name = "first"}, {.name = "mixed"}, {.name = "text"}}};
  spec.inputs = {
      {"image", from("t1.output.result.image_path")},
      {"first", from("t1.output.result.objects[0]")},
      {"mixed",
       {input_list{literal(1),
                   from("t2.output.n"),
                   {input_list{from("t1.output.result.objects"), literal(list{"t2.output.n"})}},
                   {input_list{}}}}},
      {"text", literal("t2.output.n")},
  };
  const auto call = resolve_call(spec, {}, outputs);
  REQUIRE(call.has_value());
  CHECK(call->arguments.at("image") == value("/tmp/a.jpg"));
  CHECK(call->arguments.at("first") == value("cat"));
  CHECK(call->arguments.at("mixed")
        == value(list{1, 7, list{value(list{"cat", "dog"}), value(list{"t2.output.n"})}, list{}}));
  CHECK(call->arguments.at("text") == value("t2.output.n"));
}

TEST_CASE("a reference that leads nowhere fails the call and is named", "[core][task_spec]") {
  const std::vector<std::string> wrong{"t9.output.x", "t1.output.results", "t1.output.result[0]",
                                       "t1.output.result.objects[2]", "t2.output.n.x"};
  for (const auto& text : wrong) {
    INFO(text);
    // Neither the context nor a default stands in for an explicit input.
    task_spec spec{.name = "t", .parameters = {{.name = "x", .default_value = value(1)}}};
    spec.inputs = {{"x", from(text)}};
    const auto plain = refused(spec, {{"x", {2}}}, outputs);
    CHECK(plain.code == errc::input_missing);
    CHECK_THAT(plain.message, Contains("parameter `x`: reference `" + text + "`"));
    spec.inputs = {{"x", {input_list{literal(1), {input_list{from(text)}}}}}};
    CHECK_THAT(refused(spec, {}, outputs).message,
               Contains("parameter `x`[1][0]: reference `" + text + "`"));
  }
}

TEST_CASE("an argument that contradicts its declared type is refused", "[core][task_spec]") {
  const std::vector<std::pair<std::string, value>> samples{
      {"null", nullptr},
      {"bool", true},
      {"int", 1},
      {"float", 1.5},
      {"string", "s"},
      {"bytes", bytes{}},
      {"list", list{}},
      {"dict", dict{}},
      {"a blob of string", blob_ref{.type = "string"}},
      {"a blob of bytes", blob_ref{.type = "bytes"}},
      {"a blob of value", blob_ref{.type = "value"}},
      {"object", object_ref{}},
  };
  const std::map<std::string, std::set<std::string>> accepted{
      {"null", {"null", "a blob of value"}},
      {"bool", {"bool", "a blob of value"}},
      {"int", {"int", "a blob of value"}},
      {"float", {"float", "int", "a blob of value"}},
      {"string", {"string", "a blob of string", "a blob of value"}},
      {"path", {"string", "a blob of string", "a blob of value"}},
      {"bytes", {"bytes", "a blob of bytes", "a blob of value"}},
      {"list", {"list", "a blob of value"}},
      {"dict", {"dict", "a blob of value"}},
  };
  for (const auto& [type, allowed] : accepted) {
    CHECK(is_type_name(type));
    for (const auto& [got, x] : samples) {
      INFO(type << " given " << got);
      const task_spec spec{.name = "t", .parameters = {{.name = "p", .type = type}}};
      const context_map context{{"p", {x}}};
      CHECK(type_accepts(type, x) == (allowed.count(got) != 0));
      CHECK(type_accepts("any", x));
      if (allowed.count(got) != 0) {
        CHECK(resolve_call(spec, context, {}).has_value());
        continue;
      }
      const auto wrong = refused(spec, context, {});
      CHECK(wrong.code == errc::invalid_payload);
      CHECK_THAT(wrong.message, Contains("parameter `p`: expected " + type + ", got " + got));
    }
  }
  CHECK(is_type_name("any"));
  for (const auto* name : {"", "Int", "blob", "object", "str"})
    CHECK_FALSE(is_type_name(name));
}

TEST_CASE("a command gets its words from literals, references and parameters",
          "[core][task_spec]") {
  task_spec spec{.name = "t", .parameters = {{.name = "level", .default_value = value(9)}}};
  spec.action =
      command_action{{literal("zstd"), literal(true), literal(-3), literal(0.5),
                      from("t1.output.result.objects[1]"), parameter_word{"level"}, literal("")}};
  const auto call = resolve_call(spec, {}, outputs);
  REQUIRE(call.has_value());
  CHECK(call->argv == std::vector<std::string>{"zstd", "true", "-3", "0.5", "dog", "9", ""});
  CHECK(referenced_tasks(spec) == std::vector<std::string>{"t1"});
}

TEST_CASE("a command word that is no scalar or leads nowhere is named", "[core][task_spec]") {
  struct row {
    command_word word;
    std::string from;
    errc code;
    std::string why;
    std::string remedy;
  };
  const std::string input = "parameter under `inputs` and read the variable MAZE_INPUT_<name>";
  const std::string variable = "read the variable MAZE_INPUT_p, which holds the value as JSON";
  const std::vector<row> table{
      {literal(nullptr), "", errc::invalid_payload, "got null", input},
      {from("t1.output.result.objects"), " (`t1.output.result.objects`)", errc::invalid_payload,
       "got list", input},
      {from("t1.output.result"), " (`t1.output.result`)", errc::invalid_payload, "got dict", input},
      {literal(bytes{}), "", errc::invalid_payload, "got bytes", input},
      {{input_expression{input_list{literal(1)}}}, "", errc::invalid_payload, "got list", input},
      {literal("a\0b"s), "", errc::invalid_payload, "NUL byte", "take it out"},
      {parameter_word{"p"}, " (parameter `p`)", errc::invalid_payload, "got list", variable},
      {parameter_word{"q"}, " (parameter `q`)", errc::invalid_payload, "no parameter `q`", ""},
      {from("t1.output.x"), " (`t1.output.x`)", errc::input_missing, "reference `t1.output.x`", ""},
  };
  for (const auto& x : table) {
    INFO(x.why);
    task_spec spec{.name = "t", .action = command_action{{literal("echo"), x.word}}};
    spec.parameters = {{.name = "p", .default_value = value(list{1})}};
    const auto wrong = refused(spec, {}, outputs);
    CHECK(wrong.code == x.code);
    CHECK_THAT(wrong.message, Contains("command word 2" + x.from + ": ") && Contains(x.why));
    CHECK_THAT(wrong.message, Contains(x.remedy));
  }
}

TEST_CASE("scalars become text as JSON writes them", "[core][task_spec]") {
  CHECK(*word_text("a b\n\xFF") == "a b\n\xFF");
  CHECK(*word_text(false) == "false");
  CHECK(*word_text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(*word_text(1.0) == "1.0");
  CHECK(*word_text(std::numeric_limits<double>::infinity()) == "Infinity");
  for (const value& x : {value(), value(list{}), value(dict{}), value(bytes{}), value(blob_ref{}),
                         value(object_ref{}), value("\0"s)}) {
    const auto text = word_text(x);
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().code == errc::invalid_payload);
  }
}

TEST_CASE("a task reads the tasks that its inputs and words refer to, each once",
          "[core][task_spec]") {
  task_spec spec{.name = "t", .after = {"z"}};
  CHECK(referenced_tasks(spec).empty());
  spec.inputs = {{"a", {input_list{from("t2.output.x"), {input_list{from("t1.output.y")}}}}},
                 {"b", from("t2.output.z")},
                 {"c", literal("t7.output.x")}};
  spec.action = command_action{{literal("x"), from("t0.output"), parameter_word{"t8"}}};
  CHECK(referenced_tasks(spec) == std::vector<std::string>{"t0", "t1", "t2"});
  spec.action = shell_action{"echo t5.output.x"};
  CHECK(referenced_tasks(spec) == std::vector<std::string>{"t1", "t2"});
}

TEST_CASE("no error shows the value of a secret", "[core][task_spec]") {
  const std::string secret = "hunter2";
  const std::vector<value> contents{secret, secret + "\0"s, list{secret}, dict{{secret, secret}},
                                    blob_ref{.type = "string"}};
  for (const auto& content : contents) {
    for (const auto* type : {"int", "bytes", "null", "any"}) {
      INFO(type << " given " << type_name(content));
      task_spec spec{.name = "t", .parameters = {{.name = "key", .type = type}, {.name = "other"}}};
      spec.action = command_action{{literal("curl"), parameter_word{"key"}}};
      const auto wrong = refused(spec, {{"key", {content, true}}}, {});
      CHECK(describe(wrong).find(secret) == std::string::npos);
      CHECK(wrong.evidence.find(secret) == std::string::npos);
      spec.parameters.pop_back();
      const auto call = resolve_call(spec, {{"key", {content, true}}}, {});
      if (!call)
        CHECK(describe(call.error()).find(secret) == std::string::npos);
    }
  }
}

TEST_CASE("what a command returns has three parts, each of its own types", "[core][task]") {
  for (const auto part : command_parts) {
    CHECK(command_part_accepts(part, "any"));
    CHECK_FALSE(command_part_accepts(part, "dict"));
    CHECK(command_part_accepts(part, "int") == (part == "exit_code"));
    CHECK(command_part_accepts(part, "string") == (part != "exit_code"));
    CHECK(command_part_accepts(part, "bytes") == (part != "exit_code"));
  }
  CHECK(command_part_types("image").empty());
  CHECK_FALSE(command_part_accepts("image", "any"));
}

TEST_CASE("an output is found by its key", "[core][task]") {
  const task_output sut{output_form::many, {{"stdout", "string"}, {"exit_code", "int"}}};
  CHECK(sut.find("exit_code")->type == "int");
  CHECK(sut.find("stderr") == nullptr);
}
