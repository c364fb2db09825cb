#include "maze/io/document_builder.hpp"

#include <catch2/catch.hpp>

using namespace maze::io;

TEST_CASE("events become a tree with the places of keys and values", "[io][workflow]") {
  const source_text text("0123456789");
  findings found(text);
  document_builder sut(found);
  CHECK(sut.begin_map(0));
  CHECK(sut.at_key());
  sut.scalar(1, "key", true);
  CHECK_FALSE(sut.at_key());
  CHECK(sut.field() == "key");
  CHECK(sut.begin_list(3));
  CHECK(sut.in_list());
  sut.scalar(4, "a", false);
  CHECK(sut.field() == "key[1]");
  sut.end();
  sut.end();
  const auto tree = sut.take();
  REQUIRE(tree);
  CHECK(found.empty());
  const auto& member = tree->as_map()->at(0);
  CHECK(member.key == "key");
  CHECK(member.key_offset == 1);
  CHECK(member.value.offset == 3);
  CHECK(*member.value.as_list()->at(0).as_scalar() == "a");
  CHECK_FALSE(member.value.as_list()->at(0).plain);
}

TEST_CASE("the first of two equal keys stays, the second is reported", "[io][workflow]") {
  const source_text text("0123456789");
  findings found(text);
  document_builder sut(found);
  sut.begin_map(0);
  for (std::size_t i = 0; i < 2; ++i) {
    sut.scalar(2 * i, "k", true);
    sut.scalar(2 * i + 1, i == 0 ? "first" : "second", true);
  }
  sut.end();
  const auto tree = sut.take();
  REQUIRE(tree->as_map()->size() == 1);
  CHECK(*tree->as_map()->at(0).value.as_scalar() == "first");
  const auto told = found.take("f");
  REQUIRE(told.size() == 1);
  CHECK(told[0].code == "duplicate_key");
  CHECK(told[0].column == 3);
}

TEST_CASE("a value that was left out stands where its key does", "[io][workflow]") {
  const source_text text("0123456789");
  findings found(text);
  document_builder sut(found);
  sut.begin_map(0);
  sut.scalar(2, "k", true);
  sut.scalar(9, "", true);
  sut.end();
  const auto tree = sut.take();
  CHECK(tree->as_map()->at(0).value.offset == 2);
  CHECK(tree->as_map()->at(0).value.is_absent());
}

TEST_CASE("nesting ends at its limit", "[io][workflow]") {
  const source_text text("x");
  findings found(text);
  document_builder sut(found);
  for (std::size_t i = 0; i < document_depth_max; ++i)
    REQUIRE(sut.begin_list(0));
  CHECK(found.empty());
  CHECK_FALSE(sut.begin_list(0));
  CHECK_FALSE(found.empty());
}
