#include "maze/io/amount_reader.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace maze;
using namespace std::chrono_literals;

TEST_CASE("seconds may do without a unit, other times may not", "[io][workflow]") {
  test::read_document plain("90");
  CHECK(io::read_seconds(plain.read, plain.root, plain.field) == core::duration(90s));
  CHECK_FALSE(io::read_duration(plain.read, plain.root, plain.field));
  test::read_document half("1.5");
  CHECK(io::read_seconds(half.read, half.root, half.field) == core::duration(1500ms));
  test::read_document unit("2m");
  CHECK(io::read_seconds(unit.read, unit.root, unit.field) == core::duration(2min));
  test::read_document nothing("0");
  CHECK_FALSE(io::read_seconds(nothing.read, nothing.root, nothing.field));
  CHECK(nothing.codes() == "out_of_range");
}

TEST_CASE("a share is written in hundredths, with or without the sign", "[io][workflow]") {
  const auto share = [](const char* text) {
    test::read_document doc(text);
    return io::read_percent(doc.read, doc.root, doc.field);
  };
  CHECK(share("80%") == 80U);
  CHECK(share("250") == 250U);
  CHECK(share("\"80%\"") == 80U);
  for (const char* wrong : {"0.5", "much", "\"%\"", "-1", "99999999999", "[1]"})
    CHECK_FALSE(share(wrong));
}

TEST_CASE("null takes a limit away, anything wrong leaves it", "[io][workflow]") {
  std::optional<core::byte_count> limit(core::byte_count{7});
  const auto read = [&limit](const char* text) {
    test::read_document doc(text);
    io::read_limit(doc.root, limit,
                   [&](const auto& node) { return io::read_bytes(doc.read, node, doc.field); });
  };
  read("much");
  CHECK(limit == core::byte_count{7});
  read("2KB");
  CHECK(limit == core::byte_count{2000});
  read("null");
  CHECK_FALSE(limit);
}
