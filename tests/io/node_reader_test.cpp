#include "maze/io/node_reader.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

using namespace maze;

TEST_CASE("a reader gives what was asked for and nothing else", "[io][workflow]") {
  test::read_document doc("{n: 3, f: 2.5, t: word, q: \"3\", b: true, l: [a, 1, b], m: {k: 1}}");
  CHECK(doc.read.integer(doc["n"], doc.field, {0, 3}) == 3);
  CHECK(doc.read.number(doc["n"], doc.field) == 3.0);
  CHECK(doc.read.number(doc["f"], doc.field) == 2.5);
  CHECK(doc.read.text(doc["t"], doc.field) == "word");
  CHECK(doc.read.text(doc["q"], doc.field) == "3");
  CHECK(doc.read.value(doc["m"], doc.field) == core::value(core::dict{{"k", 1}}));
  CHECK(doc.codes().empty());

  CHECK_FALSE(doc.read.integer(doc["n"], doc.field, {0, 2}));
  CHECK_FALSE(doc.read.integer(doc["f"], doc.field, {0, 3}));
  CHECK_FALSE(doc.read.integer(doc["l"], doc.field, {0, 3}));
  CHECK_FALSE(doc.read.number(doc["q"], doc.field));
  CHECK_FALSE(doc.read.text(doc["b"], doc.field));
  CHECK_FALSE(doc.read.map(doc["l"], doc.field));
  CHECK_FALSE(doc.read.list(doc["m"], doc.field));
  // All but the first point to later places, in the order of the document.
  CHECK(doc.codes()
        == "out_of_range expected_integer expected_number expected_text expected_integer "
           "expected_map expected_list");
  CHECK(doc.read.texts(doc["l"], doc.field) == std::vector<std::string>{"a", "b"});
  CHECK(doc.codes() == "expected_text");
}

TEST_CASE("every broken part of a value is reported", "[io][workflow]") {
  test::read_document doc("x: {a: [1, yes, {b: 010}], c: 1e999}");
  CHECK_FALSE(doc.read.value(doc["x"], doc.field));
  CHECK(doc.codes() == "ambiguous_scalar ambiguous_scalar number_out_of_range");
}

TEST_CASE("a misspelt key counts as the key it means", "[io][workflow]") {
  test::read_document doc("{nmae: w, wheels: 4, libraries: {}}");
  const auto meant = doc.read.check_keys(doc.root, io::workflow_section::workflow, doc.field);
  CHECK(meant == std::vector<std::string_view>{"name"});
  CHECK(doc.codes() == "missing_key missing_key unknown_key unknown_key");
}

TEST_CASE("a place inside text is exact where the text stands as it is", "[io][workflow]") {
  const std::string text = "a: plain\nb: \"quoted\"\nc: \"esc\\taped\"\nd: |\n  block\n";
  test::read_document doc(text);
  CHECK(doc.read.offset_inside(doc["a"], 2) == text.find("ain"));
  CHECK(doc.read.offset_inside(doc["b"], 3) == text.find("ted"));
  CHECK(doc.read.offset_inside(doc["b"], 0) == text.find("\"quoted"));
  CHECK(doc.read.offset_inside(doc["c"], 2) == text.find("c\\t"));
  CHECK(doc.read.offset_inside(doc["c"], 5) == text.find("\"esc"));
  CHECK(doc.read.offset_inside(doc["d"], 2) == text.find("|"));
}

TEST_CASE("a map with one key is told from others", "[io][workflow]") {
  test::read_document doc("{one: {k: 1}, two: {k: 1, l: 2}, list: [k]}");
  CHECK(io::only_member(doc["one"], "k") != nullptr);
  CHECK(io::only_member(doc["one"], "l") == nullptr);
  CHECK(io::only_member(doc["two"], "k") == nullptr);
  CHECK(io::only_member(doc["list"], "k") == nullptr);
}
