#include "maze/core/file_report.hpp"

#include "maze/core/codec.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

file_report reported(std::vector<file_finding> findings, std::uint32_t more = 0) {
  return {.mode = file_report_mode::observe, .more = more, .findings = std::move(findings)};
}

} // namespace

TEST_CASE("the modes of a file report have names that stay", "[core][file_report]") {
  CHECK(to_string(file_report_mode::none) == "none");
  CHECK(to_string(file_report_mode::observe) == "observe");
  CHECK(to_string(file_report_mode::strict) == "strict");
  CHECK(to_string(static_cast<file_report_mode>(9)) == "unknown");
  CHECK_FALSE(is_known(static_cast<file_report_mode>(0)));
  CHECK_FALSE(is_known(file_difference{}));
}

TEST_CASE("a declared read that never happened goes beyond nothing", "[core][file_report]") {
  CHECK_FALSE(reported({}).goes_beyond());
  CHECK_FALSE(reported({{file_difference::unused_read, "a"}}).goes_beyond());
  CHECK(reported({{file_difference::undeclared_write, "a"}}).goes_beyond());
}

TEST_CASE("what goes beyond a declaration is said in one sentence", "[core][file_report]") {
  using enum file_difference;
  CHECK(describe_beyond(reported({{unused_read, "*.txt"}})).empty());
  CHECK(describe_unused(reported({{undeclared_read, "a"}, {unused_read, "*.txt"}})) == "*.txt");
  CHECK(describe_beyond(reported({{undeclared_read, "a"}})) == "read a");
  CHECK(describe_beyond(reported({{undeclared_read, "a"}, {undeclared_read, "b"}}))
        == "read a and b");
  CHECK(describe_beyond(reported({{undeclared_read, "a"},
                                  {undeclared_read, "b"},
                                  {undeclared_read, "c"},
                                  {undeclared_write, "d"},
                                  {undeclared_removal, "e\n"}}))
        == "read a, b and c, wrote d, removed e\\n");
}

TEST_CASE("a sentence about files names a few of each kind", "[core][file_report]") {
  std::vector<file_finding> many;
  for (char name = 'a'; name < 'i'; ++name)
    many.push_back({file_difference::undeclared_read, std::string(1, name)});
  CHECK(describe_beyond(reported(many, 7)) == "read a, b, c, d, e and 3 more, and 7 more");
}

TEST_CASE("a file report arrives as it was sent", "[core][file_report]") {
  auto sent = reported({{file_difference::undeclared_read, "a"}}, 3);
  sent.complete = false;
  sent.withheld = {.total = 9, .paths = {"b", "c"}};
  binary_writer out;
  out(sent);
  const std::string bytes = std::move(out).bytes();
  binary_reader in(bytes, "file report");
  file_report got;
  in(got);
  CHECK(in.finish());
  CHECK(got == sent);
}
