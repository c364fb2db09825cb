#include "maze/core/suggestion.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

using namespace maze::core;

TEST_CASE("edits are counted: insert, delete, replace and swap neighbours", "[core][suggestion]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(edit_distance("abc", "abd") == 1);
  CHECK(edit_distance("abc", "acb") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest word is offered only if it is near", "[core][suggestion]") {
  static constexpr std::array<std::string_view, 4> words{"command", "shell", "cpus", "after"};
  CHECK(nearest("comand", words) == "command");
  CHECK(nearest("cpu", words) == "cpus");
  CHECK(nearest("AFTER", words) == "after");
  CHECK(nearest("hsell", words) == "shell");
  CHECK_FALSE(nearest("wheel", words));
  CHECK_FALSE(nearest("", words));
  CHECK_FALSE(nearest(std::string(100, 'a'), words));
}

TEST_CASE("between words equally near, the earlier one wins", "[core][suggestion]") {
  static constexpr std::array<std::string_view, 2> words{"cat", "car"};
  CHECK(nearest("cas", words) == "cat");
}

TEST_CASE("with nothing near, the words are listed, at most twenty", "[core][suggestion]") {
  static constexpr std::array<std::string_view, 2> two{"a", "b"};
  CHECK(did_you_mean("wheel", two, "there are") == "there are `a`, `b`");
  CHECK(did_you_mean("wheel", {}, "there are").empty());
  const std::vector<std::string_view> many(25, "xyzzy");
  CHECK(did_you_mean("wheel", many, "there are").ends_with("`xyzzy` and 5 more"));
}
