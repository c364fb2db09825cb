#include "maze/core/ignore_rules.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace maze::core;

namespace {

/// Patterns, and paths that they leave out or let pass; a path that ends in `/` is a folder.
struct expectation {
  std::vector<std::string> patterns;
  std::vector<std::string> out;
  std::vector<std::string> in;
};

// Written by hand from gitignore(5); `git check-ignore` of git 2.39 says the same of every line.
const std::vector<expectation> expectations{
    {{"*.log"},
     {"a.log", "d/a.log", "d/e/.log", "x.log/", "x.log/in"},
     {"a.txt", "a.log.x", "log"}},
    {{"cache"}, {"cache", "cache/", "d/cache/", "d/cache/x/y"}, {"caches", "acache", "d/cach"}},
    {{"cache/"}, {"cache/", "d/cache/", "cache/x"}, {"cache", "d/cache"}},
    {{"/top"}, {"top", "top/", "top/x"}, {"d/top", "d/top/x"}},
    {{"d/x"}, {"d/x", "d/x/y"}, {"x", "e/d/x", "d/xx"}},
    {{"d/*.c"}, {"d/a.c"}, {"d/e/a.c", "a.c", "e/d/a.c"}},
    {{"/*.c"}, {"a.c"}, {"d/a.c"}},
    {{"**/x"}, {"x", "d/x", "d/e/x", "d/x/y"}, {"dx", "d/xx"}},
    {{"**/d/x"}, {"d/x", "e/d/x", "e/f/d/x"}, {"x", "d/e/x"}},
    {{"d/**"}, {"d/x", "d/e/x", "d/e/"}, {"d/", "d", "e/d/x"}},
    {{"d/**/x"}, {"d/x", "d/e/x", "d/e/f/x"}, {"x", "d", "e/d/x"}},
    {{"d/**/"}, {"d/e/", "d/e/x"}, {"d/", "d/x"}},
    {{"**"}, {"x", "d/", "d/x"}, {}},
    {{"d/***/x"}, {"d/x", "d/e/x"}, {"x"}},
    {{"/**"}, {"x", "d/", "d/x"}, {}},
    {{"**/"}, {"d/", "d/x"}, {"x"}},
    {{"d/a**b"}, {"d/ab", "d/axb"}, {"d/a/b", "ab", "d/a/x/b"}},
    {{"a**b"}, {"ab", "d/axxb"}, {"a/b"}},
    {{"d/**x"}, {"d/x", "d/yx"}, {"d/e/x"}},
    {{"a/**/b/**/c"}, {"a/b/c", "a/x/b/y/z/c", "a/b/b/c"}, {"a/c", "b/a/b/c", "a/b/x"}},
    {{"**/a/**/b"}, {"a/b", "x/a/y/b", "a/x/a/b"}, {"b/a", "x/b"}},
    {{"d/*"}, {"d/x", "d/.x", "d/e/", "d/e/x"}, {"d/", "d", "x/d/y"}},
    {{"?.c"}, {"a.c", "d/b.c"}, {".c", "ab.c"}},
    {{"d/?"}, {"d/x"}, {"d/", "d/xy"}},
    {{"a?b"}, {"axb"}, {"ab", "a/b"}},
    {{"x[0-9]"}, {"x0", "x9", "d/x5"}, {"x", "xa", "x10"}},
    {{"x[!0-9]"}, {"xa", "x-"}, {"x5", "x"}},
    {{"x[^0-9]"}, {"xa"}, {"x5"}},
    {{"x[]a]"}, {"x]", "xa"}, {"x", "xb"}},
    {{"x[!]a]"}, {"xb"}, {"x]", "xa"}},
    {{"x[a-]"}, {"xa", "x-"}, {"xb"}},
    {{"x[-a]"}, {"xa", "x-"}, {"xb"}},
    {{"x[\\]]"}, {"x]"}, {"x\\"}},
    {{"x[a\\-z]"}, {"xa", "x-", "xz"}, {"xb", "x\\"}},
    {{"x[[:digit:]_]"}, {"x4", "x_"}, {"xd", "x:"}},
    {{"x[![:alpha:]]"}, {"x4", "x_"}, {"xd"}},
    {{"x[[:d]"}, {"x[", "x:", "xd"}, {"xe", "x"}},
    {{"x[[:nope:]]"}, {}, {"x", "xn", "x:", "x:]"}},
    {{"x[b-a]"}, {"xb"}, {"xa", "x-"}},
    {{"d[a-z]/x"}, {"db/x"}, {"d/x", "d/b/x"}},
    {{"\\*"}, {"*", "d/*"}, {"x", "\\*"}},
    {{"a\\?b"}, {"a?b"}, {"axb"}},
    {{"a\\b"}, {"ab"}, {"a\\b"}},
    {{"a\\\\b"}, {"a\\b"}, {"ab"}},
    {{"a\\"}, {}, {"a", "a\\"}},
    {{"a["}, {}, {"a", "a["}},
    {{"a[b"}, {}, {"ab", "a[b"}},
    {{"#x"}, {}, {"x", "#x"}},
    {{"\\#x"}, {"#x"}, {"x"}},
    {{"\\!x"}, {"!x"}, {"x"}},
    {{"x#y"}, {"x#y"}, {"x"}},
    {{"x   "}, {"x"}, {"x   "}},
    {{"x\\ "}, {"x "}, {"x"}},
    {{"x\\  "}, {"x "}, {"x", "x  "}},
    {{"x y"}, {"x y"}, {"x", "y"}},
    {{" x"}, {" x"}, {"x"}},
    {{"", "   ", "x"}, {"x"}, {"y", " "}},
    {{"!"}, {}, {"!", "x"}},
    {{"/"}, {}, {"x", "d/"}},
    {{"//x"}, {}, {"x", "d/x"}},
    {{"x//"}, {}, {"x", "x/"}},
    {{"d//x"}, {}, {"d/x"}},
    {{"*.log", "!keep.log"}, {"a.log", "d/a.log"}, {"keep.log", "d/keep.log"}},
    {{"!keep.log", "*.log"}, {"keep.log"}, {}},
    {{"*.log", "!keep.log", "keep*"}, {"keep.log", "keep.txt"}, {}},
    {{"d/", "!d/keep"}, {"d/", "d/keep"}, {}},
    {{"d/*", "!d/keep"}, {"d/x"}, {"d/keep", "d/"}},
    {{"d/*", "!d/keep/"}, {"d/keep"}, {"d/keep/", "d/keep/x"}},
    {{"d/**", "!d/**/", "!d/**/*.txt"}, {"d/x", "d/e/x"}, {"d/a.txt", "d/e/a.txt", "d/e/"}},
    {{"/*", "!/d", "/d/*", "!/d/e"}, {"x", "d/x", "f/x"}, {"d/", "d/e", "d/e/x"}},
    {{"*.py", "!*.py"}, {}, {"a.py", "d/a.py"}},
    {{"\\!*", "!x"}, {"!a"}, {"x", "a"}},
    {{"!/x", "x"}, {"x", "d/x"}, {}},
    {{"x", "!/x"}, {"d/x"}, {"x"}},
    {{"dir"}, {"dir/a/b/c/d"}, {"a/dirs/b"}},
    {{"\xC3\xA4*"}, {"\xC3\xA4", "\xC3\xA4x"}, {"a", "\xC3\xB6"}},
    {{"a\xFF?"}, {"a\xFFx"}, {"a\xFF", "a\xFExx"}},
};

bool leaves_out(const ignore_rules& sut, const std::string& path) {
  return path.ends_with('/') ? sut.leaves_out(path.substr(0, path.size() - 1), true)
                             : sut.leaves_out(path, false);
}

} // namespace

TEST_CASE("patterns mean what they mean to git", "[core][ignore]") {
  for (const auto& [patterns, out, in] : expectations) {
    const ignore_rules sut(patterns);
    CAPTURE(patterns);
    for (const auto& path : out) {
      INFO(path);
      CHECK(leaves_out(sut, path));
    }
    for (const auto& path : in) {
      INFO(path);
      CHECK_FALSE(leaves_out(sut, path));
    }
  }
}

TEST_CASE("one question mark stands for one character, however many bytes it has",
          "[core][ignore]") {
  CHECK(ignore_rules({"?"}).leaves_out("\xC3\xA4", false));
  CHECK(ignore_rules({"x[\xC3\xA0-\xC3\xBC]"}).leaves_out("x\xC3\xA4", false));
  CHECK_FALSE(ignore_rules({"x[\xC3\xA0-\xC3\xBC]"}).leaves_out("x\xC3\xBF", false));
}

TEST_CASE("without a pattern nothing is left out", "[core][ignore]") {
  CHECK(ignore_rules().empty());
  CHECK(ignore_rules({"# only", "", "a["}).empty());
  CHECK_FALSE(ignore_rules().leaves_out("x", false));
  CHECK_FALSE(ignore_rules({"x"}).empty());
}

TEST_CASE("a pattern that can fit nothing is refused with the reason", "[core][ignore]") {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "names nothing"},    {"   ", "names nothing"}, {"!", "names nothing"},
      {"/", "names nothing"},   {"a\nb", "line break"},   {"#a\nb", "line break"},
      {"../x", "`..`"},         {"x/..", "`..`"},         {"./x", "`.`"},
      {"d//x", "empty part"},   {"x//", "empty part"},    {"a\\", "backslash"},
      {"a[b", "no `]` closes"}, {"a[", "no `]` closes"},  {"a[[:nope:]]", "no such name"},
      {"!a[", "no `]` closes"},
  };
  for (const auto& [pattern, reason] : wrong) {
    const auto checked = check_ignore_pattern(pattern);
    INFO(pattern);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == errc::invalid_argument);
    CHECK(checked.error().message.find(reason) != std::string::npos);
  }
  for (const auto* sound : {"x", "!x", "/x/", "# x", "#", "**", "[]]", "\\ "})
    CHECK(check_ignore_pattern(sound));
}

TEST_CASE("long patterns with many stars take no longer than their product", "[core][ignore]") {
  std::string stars;
  std::string deep;
  for (int i = 0; i < 200; ++i) {
    stars += "*a";
    deep += "**/a/";
  }
  const std::string text(4000, 'a');
  std::string folders = "a";
  for (int i = 0; i < 1000; ++i)
    folders += "/a";
  CHECK_FALSE(ignore_rules({stars + "b"}).leaves_out(text, false));
  CHECK_FALSE(ignore_rules({deep + "b"}).leaves_out(folders, false));
}
