#include "maze/io/value_types.hpp"

#include <catch2/catch.hpp>

using namespace maze;

TEST_CASE("every type of the task model has its name, and no other word has", "[io][workflow]") {
  CHECK(io::type_names().size() == 10);
  for (const auto name : io::type_names())
    CHECK(io::is_type_name(name));
  CHECK_FALSE(io::is_type_name("object"));
  CHECK_FALSE(io::is_type_name(""));
}

TEST_CASE("the words of JSON Schema and Python lead to ours", "[io][workflow]") {
  CHECK(io::type_remedy("object") == "did you mean `dict`?");
  CHECK(io::type_remedy("integer") == "did you mean `int`?");
  CHECK(io::type_remedy("filepath") == "did you mean `path`?");
  CHECK(io::type_remedy("strng") == "did you mean `string`?");
  CHECK(io::type_remedy("tensor").starts_with("the types are `any`"));
}

TEST_CASE("a value fits its own type, any, and what it widens to", "[io][workflow]") {
  CHECK(io::fits_type(core::value(1), "int"));
  CHECK(io::fits_type(core::value(1), "float"));
  CHECK(io::fits_type(core::value(1), "any"));
  CHECK_FALSE(io::fits_type(core::value(1), "string"));
  CHECK_FALSE(io::fits_type(core::value(1.5), "int"));
  CHECK(io::fits_type(core::value("x"), "path"));
  CHECK_FALSE(io::fits_type(core::value("x"), "bytes"));
  CHECK_FALSE(io::fits_type(core::value(), "string"));
  CHECK(io::fits_type(core::value(), "null"));
  CHECK(io::fits_type(core::value(), "any"));
  CHECK_FALSE(io::fits_type(core::value(true), "int"));
  CHECK(io::fits_type(core::value(core::list{}), "list"));
  CHECK(io::fits_type(core::value(core::dict{}), "dict"));
}
