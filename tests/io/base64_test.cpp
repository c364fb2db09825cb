#include "maze/io/base64.hpp"

#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace maze::io;
using namespace std::string_literals;

TEST_CASE("base 64 agrees with the examples of its standard", "[io][base64]") {
  // Source: RFC 4648, section 10.
  const std::vector<std::pair<std::string, std::string>> table{
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\0\xFF\xFE"s, "AP/+"},
  };
  for (const auto& [bytes, text] : table) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
}

TEST_CASE("any bytes survive base 64", "[io][base64]") {
  maze::test::random_values values(3, {.length_max = 20});
  for (int i = 0; i < 2000; ++i) {
    const auto bytes = values.raw_bytes();
    REQUIRE(from_base64(to_base64(bytes)) == bytes);
  }
}

TEST_CASE("text that is not the one base 64 of any bytes is refused", "[io][base64]") {
  for (const auto* text :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "=",
        "==", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm-v", "Zm_v", "Z\xC3\xA9=", "=Zg="})
    CHECK_FALSE(from_base64(text).has_value());
}
