#include "maze/io/document_builder.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::io;

namespace {

document_node tree_of(std::string_view text) {
  const source_text source(text);
  findings found(source);
  auto tree = parse_yaml_document(found);
  REQUIRE(found.empty());
  REQUIRE(tree);
  return *std::move(tree);
}

} // namespace

TEST_CASE("YAML scalars keep their text, their place and whether they were quoted",
          "[io][workflow]") {
  const std::string text = "a: plain\nb: \"dou\\nble\"\nc: 'sin''gle'\nd: |\n  block\ne: null\n";
  const auto tree = tree_of(text);
  const auto& members = *tree.as_map();
  REQUIRE(members.size() == 5);
  CHECK(members[0].value.plain);
  CHECK(members[0].value.offset == text.find("plain"));
  CHECK(*members[1].value.as_scalar() == "dou\nble");
  CHECK_FALSE(members[1].value.plain);
  CHECK(members[1].value.offset == text.find("\"dou"));
  CHECK(*members[2].value.as_scalar() == "sin'gle");
  CHECK(*members[3].value.as_scalar() == "block\n");
  CHECK_FALSE(members[3].value.plain);
  CHECK(*members[4].value.as_scalar() == "null");
  CHECK(members[4].value.plain);
  CHECK(members[4].key_offset == text.find("e: "));
}

TEST_CASE("places are right behind wide characters and carriage returns", "[io][workflow]") {
  const std::string text = "a: \"ä€😀\"\r\nb: [x, ö, y]\r\n";
  const auto tree = tree_of(text);
  CHECK(tree.as_map()->at(1).key_offset == text.find("b:"));
  CHECK(tree.as_map()->at(1).value.as_list()->at(2).offset == text.find("y]"));
}

TEST_CASE("a list element that was left out stands at its dash", "[io][workflow]") {
  const std::string text = "a:\n  - x\n  -   # nothing\n  - y\n  -\nb: 1\n";
  const auto tree = tree_of(text);
  const auto& items = *tree.as_map()->at(0).value.as_list();
  REQUIRE(items.size() == 4);
  CHECK(items[1].is_absent());
  CHECK(items[1].offset == text.find("-   #"));
  CHECK(items[3].is_absent());
  CHECK(items[3].offset == text.find("-\nb"));
}

TEST_CASE("words for null are told from values that were left out", "[io][workflow]") {
  const auto tree = tree_of("{a: ~, b: Null, c: , d}");
  const auto& members = *tree.as_map();
  REQUIRE(members.size() == 4);
  CHECK(*members[0].value.as_scalar() == "~");
  CHECK(*members[1].value.as_scalar() == "Null");
  CHECK(members[2].value.is_absent());
  CHECK(members[3].value.is_absent());
}

TEST_CASE("an empty YAML text yields no tree and no finding", "[io][workflow]") {
  const source_text source("# nothing\n");
  findings found(source);
  CHECK_FALSE(parse_yaml_document(found));
  CHECK(found.empty());
}
