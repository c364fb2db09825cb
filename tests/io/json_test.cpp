#include "maze/io/json.hpp"

#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace maze::core;
using namespace maze::io;
using namespace maze::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

constexpr auto int_max = std::numeric_limits<std::int64_t>::max();
constexpr auto int_min = std::numeric_limits<std::int64_t>::min();

const std::vector<std::pair<value, std::string>>& table() {
  static const std::vector<std::pair<value, std::string>> rows{
      {nullptr, "null"},
      {true, "true"},
      {false, "false"},
      {0, "0"},
      {-7, "-7"},
      {std::int64_t{9007199254740993}, "9007199254740993"},
      {int_max, "9223372036854775807"},
      {int_min, "-9223372036854775808"},
      {1.0, "1.0"},
      {-0.0, "-0.0"},
      {1e300, "1e+300"},
      {5e-324, "5e-324"},
      {std::numeric_limits<double>::infinity(), R"({"$float":"Infinity"})"},
      {-std::numeric_limits<double>::infinity(), R"({"$float":"-Infinity"})"},
      {"", R"("")"},
      {"a\"\\/\b\n\t\x7F\xC3\xA9\xF0\x9F\x98\x80"s + '\0',
       "\"a\\\"\\\\/\\u0008\\n\\t\x7F\xC3\xA9\xF0\x9F\x98\x80\\u0000\""},
      {bytes{}, R"({"$bytes":""})"},
      {bytes{std::byte{0}, std::byte{0xFF}}, R"({"$bytes":"AP8="})"},
      {list{}, "[]"},
      {list{1, list{}, dict{}}, "[1,[],{}]"},
      {dict{{"b", 1}, {"a", list{nullptr}}}, R"({"a":[null],"b":1})"},
      {blob_ref{{1, 2}, 3, "bytes"},
       R"({"$blob":{"hash":"00000000000000010000000000000002","size":3,"type":"bytes"}})"},
      {blob_ref{{0, 0}, std::numeric_limits<std::uint64_t>::max(), ""},
       R"({"$blob":{"hash":"00000000000000000000000000000000","size":"18446744073709551615","type":""}})"},
      {object_ref{0xA, 0xB}, R"({"$object":"000000000000000a000000000000000b"})"},
      {dict{{"$bytes", "AP8="}}, R"({"$$bytes":"AP8="})"},
      {dict{{"$$bytes", "AP8="}}, R"({"$$$bytes":"AP8="})"},
      {dict{{"$", dict{{"$", 1}}}}, R"({"$$":{"$$":1}})"},
      {dict{{"$float", "NaN"}, {"x", 1}}, R"({"$float":"NaN","x":1})"},
      {dict{{"", 1}}, R"({"":1})"},
      {dict{{"$x", bytes{}}, {"$bytes", bytes{}}},
       R"({"$bytes":{"$bytes":""},"$x":{"$bytes":""}})"},
  };
  return rows;
}

} // namespace

TEST_CASE("each value has one JSON text, which reads back to it", "[io][json]") {
  for (const auto& [x, text] : table()) {
    INFO(text);
    const auto written = to_json(x);
    REQUIRE(written.has_value());
    CHECK(*written == text);
    const auto back = parse_json(text);
    REQUIRE(back.has_value());
    CHECK(*back == x);
    CHECK(type_name(*back) == type_name(x));
  }
}

TEST_CASE("NaN and the sign of zero survive as JSON", "[io][json]") {
  CHECK(*to_json(std::numeric_limits<double>::quiet_NaN()) == R"({"$float":"NaN"})");
  CHECK(std::isnan(*parse_json(R"({"$float":"NaN"})")->as<double>()));
  CHECK(std::signbit(*parse_json("-0.0")->as<double>()));
}

TEST_CASE("any value survives as compact and as indented JSON", "[io][json]") {
  const auto seed = GENERATE(range<std::uint64_t>(0, 20));
  INFO("seed = " << seed);
  random_values values(seed, {.depth_max = 5, .length_max = 6});
  for (int i = 0; i < 100; ++i) {
    const auto x = values.next();
    for (const auto style : {json_style::compact, json_style::indented}) {
      const auto text = to_json(x, style);
      REQUIRE(text.has_value());
      INFO(*text);
      const auto back = parse_json(*text);
      REQUIRE(back.has_value());
      // Bytes and not values are compared: they also tell 0.0 from -0.0.
      REQUIRE(*encode(*back) == *encode(x));
    }
  }
}

TEST_CASE("indented JSON puts one element on a line", "[io][json]") {
  const value x = dict{{"a", list{1, 2.5, list{}}}, {"b", dict{}}, {"c", dict{{"d", bytes{}}}}};
  CHECK(*to_json(x, json_style::indented) == R"({
  "a": [
    1,
    2.5,
    []
  ],
  "b": {},
  "c": {
    "d": {"$bytes": ""}
  }
})");
}

TEST_CASE("JSON is nested as deep as the limit and no deeper", "[io][json]") {
  for (const auto make : {nested_lists, nested_dicts}) {
    for (const std::uint32_t limit : {0U, 1U, 2U, 64U}) {
      const value_limits limits{.depth_max = limit};
      const auto deepest = to_json(make(limit), json_style::compact, limits);
      REQUIRE(deepest.has_value());
      CHECK(parse_json(*deepest, limits).has_value());
      const auto refused = to_json(make(limit + 1), json_style::compact, limits);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == errc::limit_exceeded);
      const auto deeper = to_json(make(limit + 1), json_style::compact, {.depth_max = limit + 1});
      REQUIRE(deeper.has_value());
      const auto unread = parse_json(*deeper, limits);
      REQUIRE_FALSE(unread.has_value());
      CHECK(unread.error().code == errc::limit_exceeded);
    }
  }
  // What a form needs of JSON's own levels does not count.
  for (const value& x : {value(bytes{}), value(blob_ref{}), value(object_ref{})}) {
    auto deep = x;
    for (std::uint32_t limit = 0; limit < 4; ++limit) {
      const value_limits limits{.depth_max = limit};
      const auto text = to_json(deep, json_style::compact, limits);
      REQUIRE(text.has_value());
      CHECK(parse_json(*text, limits).has_value());
      deep = dict{{"$x", deep}};
    }
  }
}

TEST_CASE("JSON is as long as the limit and no longer", "[io][json]") {
  for (const value& x :
       {value(std::string(50, 'x')), value(list(25, value(1))), value(bytes(30))}) {
    const auto text = *to_json(x);
    const value_limits enough{.size_max = text.size()};
    CHECK(to_json(x, json_style::compact, enough).has_value());
    CHECK(parse_json(text, enough).has_value());
    const value_limits short_by_one{.size_max = text.size() - 1};
    CHECK(to_json(x, json_style::compact, short_by_one).error().code == errc::limit_exceeded);
    CHECK(parse_json(text, short_by_one).error().code == errc::limit_exceeded);
  }
}

TEST_CASE("text that is not UTF-8 has no JSON", "[io][json]") {
  for (const value& x : {value("\xFF"), value(dict{{"\x80", 1}}), value(blob_ref{{}, 0, "\xC3"})}) {
    const auto text = to_json(list{x});
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().code == errc::malformed);
    CHECK_THAT(text.error().message, Contains("not UTF-8"));
  }
}

TEST_CASE("file names of any bytes have a text that reads back", "[io][json]") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", ""},
      {"a b.txt", "a b.txt"},
      {"\xC3\xA9/x", "\xC3\xA9/x"},
      {"\xFF", "\\xff"},
      {"\xE2\x82", "\\xe2\\x82"},
      {"a\\xff", "a\\\\xff"},
      {"\n\x80\\", "\n\\x80\\\\"},
  };
  for (const auto& [name, text] : rows) {
    CHECK(file_name_to_text(name) == text);
    CHECK(file_name_from_text(text) == name);
  }
  random_values values(5);
  for (int i = 0; i < 2000; ++i) {
    const auto name = values.raw_bytes() + values.text();
    const auto text = file_name_to_text(name);
    REQUIRE(is_utf8(text));
    REQUIRE(file_name_from_text(text) == name);
  }
  for (const auto* text : {"\\", "a\\", "\\x", "\\xf", "\\xFF", "\\xfg", "\\x41", "\\n", "\\x5c",
                           "\xFF", "\\xc3\\xa9"})
    CHECK_FALSE(file_name_from_text(text).has_value());
}
