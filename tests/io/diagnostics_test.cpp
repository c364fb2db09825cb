#include "maze/io/diagnostics.hpp"

#include <catch2/catch.hpp>

using namespace maze::io;

TEST_CASE("a place is counted in lines and in characters, both from one", "[io][workflow]") {
  const source_text text("ab\näö€😀x\n\nlast");
  CHECK(text.locate(0) == line_column{1, 1});
  CHECK(text.locate(2) == line_column{1, 3});
  CHECK(text.locate(3) == line_column{2, 1});
  CHECK(text.locate(5) == line_column{2, 2});
  CHECK(text.locate(3 + 2 + 2 + 3 + 4) == line_column{2, 5});
  CHECK(text.locate(16) == line_column{3, 1});
  CHECK(text.locate(17) == line_column{4, 1});
  CHECK(text.locate(1000) == line_column{4, 5});
  CHECK(text.line_of(4) == "äö€😀x");
  CHECK(text.line_of(16).empty());
  CHECK(text.line_of(1000) == "last");
  CHECK(source_text("").locate(0) == line_column{1, 1});
}

TEST_CASE("a path reads as people write it", "[io][workflow]") {
  const field_path root;
  const auto tasks = root / "tasks";
  const auto task = tasks / "a";
  const auto inputs = task / "in put";
  const auto first = inputs[2];
  const auto deeper = first / "";
  CHECK(root.text().empty());
  CHECK(task.text() == "tasks.a");
  CHECK(first.text() == "tasks.a.\"in put\"[2]");
  CHECK(deeper.text() == "tasks.a.\"in put\"[2].\"\"");
  CHECK(root[0].text() == "[0]");
}

TEST_CASE("findings come in the order of the text, equal places in the order told",
          "[io][workflow]") {
  const source_text text("one\ntwo\n");
  findings found(text);
  CHECK(found.empty());
  found.report({"c", 4, "z", "third", ""});
  found.report({"a", 0, "x", "first", "do"});
  found.report({"b", 0, "y", "second", ""});
  CHECK_FALSE(found.empty());
  const auto told = found.take("file");
  REQUIRE(told.size() == 3);
  CHECK(told[0] == diagnostic{"a", "file", 1, 1, "x", "first", "do"});
  CHECK(told[1].code == "b");
  CHECK(told[2] == diagnostic{"c", "file", 2, 1, "z", "third", ""});
  CHECK(found.empty());
}

TEST_CASE("of very many findings the first in the text stay, whatever the order told",
          "[io][workflow]") {
  const std::string lines(5000, '\n');
  const source_text text(lines);
  findings found(text);
  for (std::size_t i = 5000; i-- > 0;)
    found.report({"x", i, "", "m", ""});
  const auto told = found.take("f");
  REQUIRE(told.size() == findings::count_max);
  for (std::uint32_t i = 0; i + 1 < findings::count_max; ++i)
    CHECK(told[i].line == i + 1);
  CHECK(told.back().message == "4901 more faults are not shown");
}
