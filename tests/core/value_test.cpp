#include "maze/core/value.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace maze::core;

TEST_CASE("each kind of value has a name", "[core][value]") {
  const std::vector<std::pair<value, std::string>> table{
      {nullptr, "null"},    {true, "bool"},           {1, "int"},       {1.5, "float"},
      {"x", "string"},      {bytes{}, "bytes"},       {list{}, "list"}, {dict{}, "dict"},
      {blob_ref{}, "blob"}, {object_ref{}, "object"},
  };
  REQUIRE(table.size() == std::variant_size_v<value::storage>);
  for (const auto& [x, name] : table)
    CHECK(type_name(x) == name);
}

TEST_CASE("floating-point numbers have a short text that is no integer", "[core][value]") {
  const std::vector<std::pair<double, std::string>> table{
      {0.0, "0.0"},       {-0.0, "-0.0"},
      {1.0, "1.0"},       {0.1, "0.1"},
      {-2.5, "-2.5"},     {1e300, "1e+300"},
      {5e-324, "5e-324"}, {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},    {1.0 / 3, "0.3333333333333333"},
  };
  for (const auto& [x, text] : table) {
    CHECK(real_text(x) == text);
    CHECK(std::strtod(text.c_str(), nullptr) == x);
  }
  CHECK(real_text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
  CHECK(real_text(std::numeric_limits<double>::infinity()) == "Infinity");
  CHECK(real_text(-std::numeric_limits<double>::infinity()) == "-Infinity");
}
