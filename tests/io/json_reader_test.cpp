#include "maze/io/json.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace maze::core;
using namespace maze::io;
using namespace std::string_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

struct row {
  std::string text;
  std::size_t line;
  std::size_t column;
  std::string why;
};

void check_refused(const std::vector<row>& rows, errc code = errc::malformed) {
  for (const auto& x : rows) {
    INFO(x.text);
    const auto wrong = parse_json(x.text);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == code);
    CHECK(is_utf8(wrong.error().message));
    CHECK_THAT(wrong.error().message, StartsWith("JSON, line " + std::to_string(x.line)
                                                 + ", column " + std::to_string(x.column) + ": ")
                                          && Contains(x.why));
  }
}

} // namespace

TEST_CASE("JSON from elsewhere is read whatever its blanks and escapes", "[io][json]") {
  const std::vector<std::pair<std::string, value>> rows{
      {" \t\r\n[ 1 ,\n2 ] ", list{1, 2}},
      {"\xEF\xBB\xBF{}", dict{}},
      {R"("\u00e9\ud83d\ude00\/\b\f\r")", "\xC3\xA9\xF0\x9F\x98\x80/\b\f\r"},
      {"1E2", 100.0},
      {"0.1e-1", 0.01},
      {"-0", 0},
      {"1e-999", 0.0},
      {R"({"b":1,"a":{"c":[true]}})", dict{{"a", dict{{"c", list{true}}}}, {"b", 1}}},
      {R"({ "\u0024bytes" : "AA==" })", bytes{std::byte{0}}},
      {R"({"$blob":{"type":"string","size":0,"hash":"000000000000000000000000000000ff"}})",
       blob_ref{{0, 255}, 0, "string"}},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    const auto x = parse_json(text);
    REQUIRE(x.has_value());
    CHECK(*x == expected);
  }
}

TEST_CASE("JSON that breaks the syntax is refused where it does", "[io][json]") {
  check_refused({
      {"", 1, 1, "unexpected end of input"},
      {"nul", 1, 4, "invalid literal"},
      {"[1,]", 1, 4, "unexpected ']'"},
      {"[1\n,2,\n  x]", 3, 3, "invalid literal"},
      {"{\"a\" 1}", 1, 6, "expected ':'"},
      {"{a:1}", 1, 2, "expected string literal"},
      {"[1] 2", 1, 5, "expected end of input"},
      {"[1", 1, 3, "unexpected end of input"},
      {"01", 1, 2, "expected end of input"},
      {"+1", 1, 1, "invalid literal"},
      {"NaN", 1, 1, "invalid literal"},
      {"'a'", 1, 1, "invalid literal"},
      {"\"a\nb\"", 1, 3, "control character"},
      {"1e999", 1, 5, "number overflow"},
      {"/* no */ 1", 1, 1, "invalid literal"},
  });
}

TEST_CASE("JSON that is not UTF-8 is refused", "[io][json]") {
  check_refused({
      {"\"\xFF\"", 1, 2, "UTF-8"},
      {"\"\xC3(\"", 1, 3, "UTF-8"},
      {"{\"\xC3\xA9\":\n \"\xC0\x80\"}", 2, 3, "UTF-8"},
      {R"("\ud800")", 1, 8, "surrogate"},
      {R"("\udc00")", 1, 7, "surrogate"},
  });
}

TEST_CASE("a key that stands twice is refused at its second place", "[io][json]") {
  check_refused({
      {R"({"a":1,"a":2})", 1, 8, "the key \"a\" stands twice"},
      {"{\"\xC3\xA9\": 1.5,\n \"b\\\"\": \"},\\\"\", \"\\u00e9\"\n: 2}", 2, 17, "stands twice"},
      {R"([[],{"x":[1,{"k":0,"j":[-2.5e3],"k":0}]}])", 1, 33, "the key \"k\""},
  });
  CHECK(parse_json(R"([{"a":1},{"a":1}])").has_value());
}

TEST_CASE("an integer that does not fit is refused, not rounded", "[io][json]") {
  check_refused({
      {"9223372036854775808", 1, 1, "does not fit into 64 bits"},
      {"[1,\n-9223372036854775809]", 2, 1, "does not fit into 64 bits"},
      {"18446744073709551615", 1, 1, "does not fit into 64 bits"},
      {"[true, \"]\", 18446744073709551616]", 1, 13, "does not fit into 64 bits"},
      {"{\"a\":null,\"b\":-99999999999999999999999999}", 1, 15, "does not fit into 64 bits"},
  });
  CHECK(*parse_json("9223372036854775808.0") == value(9223372036854775808.0));
}

TEST_CASE("a form that is wrong is refused where it starts", "[io][json]") {
  check_refused({
      {R"({"$byte":""})", 1, 1, "{\"$$byte\": …}"},
      {R"({"$":1})", 1, 1, "there is no form `$`"},
      {R"([1, {"$bytes":"AA="}])", 1, 5, "`$bytes` takes base 64"},
      {R"({"$bytes":1})", 1, 1, "`$bytes` takes base 64"},
      {R"({"$float":"nan"})", 1, 1, "`$float` takes"},
      {R"({"$float":1.0})", 1, 1, "`$float` takes"},
      {R"({"$object":"00"})", 1, 1, "`$object` takes 32"},
      {R"({"$object":"0000000000000000000000000000000G"})", 1, 1, "`$object` takes 32"},
      {R"({"$blob":[]})", 1, 1, "`$blob` takes"},
      {R"({"$blob":{}})", 1, 1, "`$blob` takes"},
      {R"({"$blob":{"hash":"00000000000000000000000000000000","size":-1,"type":""}})", 1, 1,
       "`$blob`"},
      {R"({"$blob":{"hash":"00000000000000000000000000000000","size":"7","type":""}})", 1, 1,
       "`$blob`"},
      {R"({"$blob":{"hash":"00000000000000000000000000000000","size":1,"type":"","x":0}})", 1, 1,
       "`$blob`"},
      {"\n{\"a\": {\"b\": [{\"$blob\": {\"hash\": 1}}]}}", 2, 14, "`$blob`"},
  });
}

TEST_CASE("JSON that is nested too deep is refused without exhausting the stack", "[io][json]") {
  check_refused({{std::string(1'000'000, '['), 1, 67, "deeper than 64 levels"}},
                errc::limit_exceeded);
  std::string objects;
  for (int i = 0; i < 100'000; ++i)
    objects += "{\"$$\":";
  check_refused({{objects, 1, 6 * 66 + 1, "deeper than 64 levels"}}, errc::limit_exceeded);
  const auto nested = std::string(65, '[') + std::string(65, ']');
  check_refused({{" " + nested, 1, 2, "deeper than 64 levels"}}, errc::limit_exceeded);
}
