#include "maze/io/credential_fields.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze;
using io::credential_fields;

TEST_CASE("fields are taken one by one and all must be taken", "[io][credentials]") {
  credential_fields sut(R"({"v": 1, "a": "x", "b": ["y", "z"]})", "test file", "v",
                        "make it again");
  CHECK(sut.text("a") == "x");
  CHECK(sut.texts("b") == std::vector<std::string>{"y", "z"});
  CHECK(sut.finish());
  credential_fields left(R"({"v": 1, "a": "x"})", "test file", "v", "make it again");
  CHECK(left.finish().error().message == "the test file's field 'a' is unknown; make it again");
}

TEST_CASE("the first fault is kept, with the field's name", "[io][credentials]") {
  credential_fields sut(R"({"v": 1, "a": 7, "c": [], "d": [1]})", "test file", "v",
                        "make it again");
  CHECK(sut.text("a").empty());
  CHECK(sut.text("b").empty());
  CHECK(sut.texts("c").empty());
  CHECK(sut.texts("d").empty());
  CHECK_FALSE(sut.ok());
  CHECK(sut.finish().error().message == "the test file's field 'a' is no text; make it again");
}

TEST_CASE("other files and newer versions are told apart", "[io][credentials]") {
  CHECK_THAT(credential_fields("{", "test file", "v", "make it again").finish().error().message,
             Catch::StartsWith("the test file is damaged: "));
  CHECK_THAT(credential_fields("[]", "test file", "v", "make it again").finish().error().message,
             Catch::Contains("no JSON object"));
  CHECK_THAT(credential_fields("{}", "test file", "v", "make it again").finish().error().message,
             Catch::Contains("field 'v' is missing"));
  const auto newer =
      credential_fields(R"({"v": 2, "later": 1})", "test file", "v", "make it again").finish();
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == core::errc::unsupported_operation);
  CHECK_THAT(newer.error().message, Catch::Contains("has version 2, this maze reads version 1"));
  const std::string large = R"({"v": 1, "a": ")" + std::string(70'000, 'x') + "\"}";
  CHECK_FALSE(credential_fields(large, "test file", "v", "make it again").ok());
}
