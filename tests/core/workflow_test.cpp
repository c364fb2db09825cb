#include "maze/core/workflow.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace maze::core;

namespace {

using cases = std::vector<std::pair<std::string, std::string>>;

void check_all(const cases& table, bool expected) {
  for (const auto& [pattern, path] : table) {
    INFO(pattern << " against " << path);
    CHECK(glob_match(pattern, path) == expected);
  }
}

} // namespace

TEST_CASE("globs match whole relative paths", "[core][workflow]") {
  check_all(
      {
          {"a.txt", "a.txt"},
          {"*", "a.txt"},
          {"*", ".hidden"},
          {"a*t", "at"},
          {"*.tar.*", "x.tar.gz"},
          {"a**b", "axxb"},
          {"?.c", "x.c"},
          {"?.c", "\xC3\xA9.c"},
          {"?", "\xFF"},
          {"dir/*.c", "dir/x.c"},
          {"*/x", "d/x"},
          {"**", "a/b/c"},
          {"**/x", "x"},
          {"**/x", "a/b/x"},
          {"a/**", "a/b/c"},
          {"a/**", "a"},
          {"a/**/z", "a/z"},
          {"a/**/z", "a/b/c/z"},
          {"**/b/**/d/**", "a/b/b/c/d/e"},
          {"**/*.gz", "doc/x/y.gz"},
          {"", ""},
      },
      true);
  check_all(
      {
          {"a.txt", "a_txt"},
          {"a.txt", "a.txt2"},
          {"a", ""},
          {"", "a"},
          {"?", "ab"},
          {"?", ""},
          {"??", "\xC3\xA9"},
          {"dir/*", "dir/a/b"},
          {"dir/?", "dir/"},
          {"dir?x", "dir/x"},
          {"dir[/]x", "dir/x"},
          {"*/x", "x"},
          {"*/x", "a/b/x"},
          {"**/x", "a/xy"},
          {"a/**/z", "a/b"},
          {"a/b", "a"},
          {"a", "a/b"},
          {"a/", "a"},
      },
      false);
}

TEST_CASE("a pattern without a slash is tried against the last part too", "[core][workflow]") {
  check_all({{"*.py", "a/b/c.py"}, {"__pycache__", "x/__pycache__"}, {"x", "a/x"}}, true);
  check_all({{"a", "a/x"}, {"/x", "a/x"}, {"b/c.py", "a/b/c.py"}}, false);
}

TEST_CASE("glob classes hold characters and ranges", "[core][workflow]") {
  check_all(
      {
          {"[a-c]", "b"},
          {"[a-c]", "c"},
          {"[xa-c]", "x"},
          {"[!a-c]", "d"},
          {"[]]", "]"},
          {"[]x]", "x"},
          {"[!]]", "x"},
          {"[a-]", "-"},
          {"[-a]", "-"},
          {"[*]", "*"},
          {"[!!]", "x"},
          {"[a!]", "!"},
          {"v[0-9].[0-9]", "v1.2"},
          {"[\xC3\xA0-\xC3\xBF]", "\xC3\xA9"},
          {"*[0-9].log", "run12.log"},
          {"[", "["},
          {"[a", "[a"},
          {"[]", "[]"},
          {"[!]", "[!]"},
      },
      true);
  check_all(
      {
          {"[a-c]", "d"},
          {"[!a-c]", "b"},
          {"[c-a]", "b"},
          {"[!]]", "]"},
          {"[*]", "x"},
          {"[!!]", "!"},
          {"[a-c]", ""},
          {"[a-c]", "ab"},
          {"[\xC3\xA0-\xC3\xBF]", "e"},
      },
      false);
}

TEST_CASE("a glob that fits a folder covers what lies below it", "[core][workflow]") {
  const std::vector<std::string> globs{"src", "out/*.d", "*.h"};
  for (const char* path : {"src", "src/a/b.c", "x/src/y", "out/lib.d/z", "a.h", "x/a.h/y"}) {
    INFO(path);
    CHECK(any_glob_covers(globs, path));
  }
  for (const char* path : {"srcs", "out/a", "out", "a.c", ""}) {
    INFO(path);
    CHECK_FALSE(any_glob_covers(globs, path));
  }
  CHECK_FALSE(any_glob_covers({}, "a"));
}

TEST_CASE("a hostile glob ends in time that grows with pattern times path", "[core][workflow]") {
  std::string stars;
  std::string parts;
  std::string path;
  for (int i = 0; i < 200; ++i) {
    stars += "*a";
    parts += "**/a/";
    path += "a/";
  }
  CHECK_FALSE(glob_match(stars + "b", std::string(2000, 'a')));
  CHECK_FALSE(glob_match(parts + "b", path + path + "c"));
  CHECK(glob_match(parts + "**", path));
}
