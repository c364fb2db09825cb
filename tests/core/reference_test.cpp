#include "maze/core/reference.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace maze::core;
using Catch::Matchers::Contains;

namespace {

reference parsed(std::string_view text) {
  const auto x = parse_reference(text);
  REQUIRE(x.has_value());
  return *x;
}

reference_error refused(std::string_view text, const value& output) {
  const auto found = resolve(parsed(text), output);
  REQUIRE_FALSE(found.has_value());
  CHECK_THAT(found.error().message, Contains("`" + std::string(text) + "`"));
  return found.error();
}

const value t1_output = dict{
    {"result", dict{{"image_path", "/tmp/a.jpg"},
                    {"objects", list{"cat", "dog"}},
                    {"nested", list{value(list{1, dict{{"b", "deep"}}})}},
                    {"odd key \"\\", 7},
                    {"nothing", nullptr}}},
};

} // namespace

TEST_CASE("references are read as their grammar says", "[core][reference]") {
  using path = std::vector<path_step>;
  const std::vector<std::pair<std::string, reference>> table{
      {"t1.output", {"t1", {}}},
      {"t1.output.key", {"t1", path{"key"}}},
      {"t1.output.result.caption", {"t1", path{"result", "caption"}}},
      {"t2.output.items[0]", {"t2", path{"items", std::uint64_t{0}}}},
      {"t1.output.result[0].caption", {"t1", path{"result", std::uint64_t{0}, "caption"}}},
      {"a.output.a[0][1].b", {"a", path{"a", std::uint64_t{0}, std::uint64_t{1}, "b"}}},
      {"_x-1.output._k-2", {"_x-1", path{"_k-2"}}},
      {"output.output.output", {"output", path{"output"}}},
      {R"(t.output."a b".c)", {"t", path{"a b", "c"}}},
      {R"(t.output."")", {"t", path{""}}},
      {R"(t.output."q\"\\")", {"t", path{"q\"\\"}}},
      {R"(t.output."[0].x")", {"t", path{"[0].x"}}},
      {"t.output.\"\xC3\xA9\"", {"t", path{"\xC3\xA9"}}},
      {"t.output.x[18446744073709551615]", {"t", path{"x", std::uint64_t{18446744073709551615U}}}},
  };
  for (const auto& [text, expected] : table) {
    INFO(text);
    const auto x = parse_reference(text);
    REQUIRE(x.has_value());
    CHECK(*x == expected);
    CHECK(to_string(*x) == text);
    CHECK(looks_like_reference(text));
  }
}

TEST_CASE("a malformed reference is refused at the byte where it goes wrong", "[core][reference]") {
  struct row {
    std::string text;
    std::size_t offset;
    std::string why;
  };
  const std::vector<row> table{
      {"", 0, "task name"},
      {"1t.output.x", 0, "task name"},
      {".output.x", 0, "task name"},
      {"t", 1, "`.output`"},
      {"t.out", 1, "`.output`"},
      {"t output.x", 1, "`.output`"},
      {"t.outputs.x", 8, "only `.` and a key"},
      {"t.output x", 8, "only `.` and a key"},
      {"t.output.", 9, "a key must follow"},
      {"t.output..x", 9, "a key must follow"},
      {"t.output.x.", 11, "a key must follow"},
      {"t.output.1", 9, "a key must follow"},
      {"t.output.x y", 10, "only `.` and a key"},
      {"t.output.x[]", 11, "decimal"},
      {"t.output.x[-1]", 11, "decimal"},
      {"t.output.x[+1]", 11, "decimal"},
      {"t.output.x[01]", 11, "leading zeros"},
      {"t.output.x[1", 12, "`]`"},
      {"t.output.x[1.5]", 12, "`]`"},
      {"t.output.x[18446744073709551616]", 11, "too large"},
      {R"(t.output."x)", 9, "not closed"},
      {R"(t.output."x\")", 9, "not closed"},
      {R"(t.output."x\n")", 12, "backslash"},
      {R"(t.output."x\)", 12, "backslash"},
      {R"(t.output."x"y)", 12, "only `.` and a key"},
      {"t.output.\"\xFF\"", 9, "UTF-8"},
      {std::string(129, 'a') + ".output.x", 0, "128 bytes"},
  };
  for (const auto& x : table) {
    INFO(x.text);
    const auto wrong = parse_reference(x.text);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().fault == reference_fault::malformed);
    CHECK(wrong.error().offset == x.offset);
    CHECK_THAT(wrong.error().message, Contains("`" + x.text + "`") && Contains(x.why));
  }
  CHECK(parse_reference(std::string(128, 'a') + ".output.x").has_value());
}

TEST_CASE("only text that starts as a reference does is meant as one", "[core][reference]") {
  for (const auto* text : {"t.output", "t.output.", "t.output[", "t.output[x", "report.output.txt"})
    CHECK(looks_like_reference(text));
  for (const auto* text : {"", "t", "t.outputs", "t.output/x", "/t.output.x", "1.output.x",
                           "t.out.x", "a b.output.x", "t.output "})
    CHECK_FALSE(looks_like_reference(text));
}

TEST_CASE("the worked example of the first description resolves", "[core][reference]") {
  // t1 has one declared output, `result`, as every task has.
  CHECK(*resolve(parsed("t1.output.result.image_path"), t1_output) == value("/tmp/a.jpg"));
  CHECK(*resolve(parsed("t1.output.result.objects[0]"), t1_output) == value("cat"));
  const value several = dict{{"image_path", "/tmp/a.jpg"}, {"objects", list{"cat", "dog"}}};
  CHECK(*resolve(parsed("t1.output.image_path"), several) == value("/tmp/a.jpg"));
  CHECK(*resolve(parsed("t1.output.objects[0]"), several) == value("cat"));
}

TEST_CASE("a reference walks dictionaries and lists in any mixture", "[core][reference]") {
  CHECK(*resolve(parsed("t1.output"), t1_output) == t1_output);
  CHECK(*resolve(parsed("t1.output.result.objects"), t1_output) == value(list{"cat", "dog"}));
  CHECK(*resolve(parsed("t1.output.result.nested[0][1].b"), t1_output) == value("deep"));
  CHECK(*resolve(parsed(R"(t1.output.result."odd key \"\\")"), t1_output) == value(7));
  CHECK(*resolve(parsed("t1.output.result.nothing"), t1_output) == value(nullptr));
}

TEST_CASE("each way a reference leads nowhere has its own fault", "[core][reference]") {
  using enum reference_fault;
  struct row {
    std::string text;
    reference_fault fault;
    std::size_t offset;
    std::string why;
  };
  const std::vector<row> table{
      {"t1.output.result.image_path.x", not_a_dictionary, 27, "is string, not a dictionary"},
      {"t1.output.result.objects.x", not_a_dictionary, 24, "is list, not a dictionary"},
      {"t1.output.result.nothing.x", not_a_dictionary, 24, "is null, not a dictionary"},
      {"t1.output.results", key_missing, 9, "has no key \"results\""},
      {"t1.output.result.caption", key_missing, 16, "has no key \"caption\""},
      {"t1.output[0]", not_a_sequence, 9, "is dict, not a list"},
      {"t1.output.result.image_path[0]", not_a_sequence, 27, "is string, not a list"},
      {"t1.output.result.nothing[0]", not_a_sequence, 24, "is null, not a list"},
      {"t1.output.result.objects[2]", index_out_of_range, 24, "has 2 elements"},
      {"t1.output.result.nested[0][18446744073709551615]", index_out_of_range, 26,
       "has 2 elements"},
  };
  for (const auto& x : table) {
    INFO(x.text);
    const auto wrong = refused(x.text, t1_output);
    CHECK(wrong.fault == x.fault);
    CHECK(wrong.offset == x.offset);
    CHECK_THAT(wrong.message, Contains(x.why) && Contains("`" + x.text.substr(0, x.offset) + "`"));
  }
  for (const value& output : {value(nullptr), value(list{}), value("text")})
    for (const auto* text : {"t1.output", "t1.output.x"})
      CHECK(refused(text, output).fault == not_a_dictionary);
}

TEST_CASE("an unknown task is a fault that tells how to write a literal", "[core][reference]") {
  const auto wrong = unknown_task(parsed("report.output.txt"));
  CHECK(wrong.fault == reference_fault::unknown_task);
  CHECK(wrong.offset == 0);
  CHECK_THAT(wrong.message, Contains("`report.output.txt`") && Contains("no task `report`")
                                && Contains("{literal: \"report.output.txt\"}"));
}

TEST_CASE("names are short words without blanks", "[core][reference]") {
  for (const auto* name : {"a", "_", "A-b_9", "output"})
    CHECK(is_name(name));
  for (const auto* name : {"", "9a", "-a", "a.b", "a b", "\xC3\xA9", "a\n"})
    CHECK_FALSE(is_name(name));
  CHECK(is_name(std::string(128, 'x')));
  CHECK_FALSE(is_name(std::string(129, 'x')));
}
