#include "maze/io/document_builder.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::io;

TEST_CASE("JSON values and keys keep their places, whatever stands in the strings",
          "[io][workflow]") {
  const std::string text = "{ \"a\\\\\" : [1, -2.5e3 ,true,\"x,]}:\\\"[{\", null],\n"
                           "\t\"ä\":{\"\\u0062\": {}}}";
  const source_text source(text);
  findings found(source);
  const auto tree = parse_json_document(found);
  REQUIRE(tree);
  CHECK(found.empty());
  const auto& members = *tree->as_map();
  REQUIRE(members.size() == 2);
  CHECK(members[0].key == "a\\");
  CHECK(members[0].key_offset == text.find("\"a"));
  const auto& items = *members[0].value.as_list();
  REQUIRE(items.size() == 5);
  CHECK(members[0].value.offset == text.find('['));
  CHECK(*items[0].as_scalar() == "1");
  CHECK(items[0].plain);
  CHECK(*items[1].as_scalar() == "-2.5e3");
  CHECK(items[1].offset == text.find("-2.5"));
  CHECK(*items[2].as_scalar() == "true");
  CHECK(*items[3].as_scalar() == "x,]}:\"[{");
  CHECK_FALSE(items[3].plain);
  CHECK(*items[4].as_scalar() == "null");
  CHECK(items[4].offset == text.find("null"));
  CHECK(members[1].key_offset == text.find("\"ä"));
  const auto& inner = members[1].value.as_map()->at(0);
  CHECK(inner.key == "b");
  CHECK(inner.value.offset == text.find("{}"));
}

TEST_CASE("a scalar alone is a JSON document", "[io][workflow]") {
  const source_text source(" 7 ");
  findings found(source);
  const auto tree = parse_json_document(found);
  REQUIRE(tree);
  CHECK(tree->offset == 1);
  CHECK(*tree->as_scalar() == "7");
}
