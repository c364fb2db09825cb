#include "maze/io/workflow_codes.hpp"

#include "support/malformed_cases.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace maze;

TEST_CASE("each code of the workflow file is shown by a malformed case", "[io][workflow]") {
  // These speak of a whole file, or of another one, and have cases of their own in workflow_file_test.cpp.
  std::set<std::string> shown{"file_unreadable",  "file_too_large",     "too_many_faults",
                              "image_unreadable", "library_unreadable", "source_missing"};
  for (const auto& one : test::all_malformed_cases())
    for (const auto& expected : one.expected)
      shown.insert(expected.code);
  for (const auto& [code, meaning] : io::workflow_codes()) {
    INFO(code);
    CHECK(shown.erase(std::string(code)) == 1);
    CHECK_FALSE(meaning.empty());
  }
  for (const auto& code : shown)
    FAIL_CHECK("not in the list: " << code);
  CHECK(io::workflow_codes().size() >= 40);
}
