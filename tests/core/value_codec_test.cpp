#include "maze/core/value.hpp"
#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace maze::core;
using namespace maze::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

std::string encoded(const value& x) {
  auto out = encode(x);
  REQUIRE(out.has_value());
  return *out;
}

error refused(std::string_view bytes, const value_limits& limits = {}) {
  const auto back = decode(bytes, limits);
  REQUIRE_FALSE(back.has_value());
  CHECK_THAT(back.error().message, Contains("value, byte "));
  return back.error();
}

} // namespace

TEST_CASE("each kind of value takes the bytes that the description says", "[core][value_codec]") {
  const std::vector<std::pair<value, std::string>> table{
      {nullptr, "\0"s},
      {false, "\1"},
      {true, "\2"},
      {0, "\3\0"s},
      {-1, "\3\1"},
      {150, "\3\xAC\2"},
      {1.0, "\4\0\0\0\0\0\0\xF0\x3F"s},
      {"", "\5\0"s},
      {"\xC3\xA9", "\5\2\xC3\xA9"},
      {bytes{std::byte{0xFF}, std::byte{0}}, "\6\2\xFF\0"s},
      {list{}, "\7\0"s},
      {list{1, nullptr}, "\7\2\3\2\0"s},
      {dict{}, "\x08\0"s},
      {dict{{"b", 1}, {"a", list{}}}, "\x08\2\1a\7\0\1b\3\2"s},
      {blob_ref{{1, 2}, 300, "bytes"}, "\x09\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\xAC\2\5"
                                       "bytes"s},
      {object_ref{1, 2}, "\x0A\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"s},
  };
  for (const auto& [x, expected] : table) {
    INFO(type_name(x));
    CHECK(encoded(x) == expected);
    const auto back = decode(expected);
    REQUIRE(back.has_value());
    CHECK(*back == x);
    for (std::size_t n = 0; n < expected.size(); ++n)
      CHECK(refused(expected.substr(0, n)).code == errc::malformed);
    CHECK_THAT(refused(expected + "\0"s).message, Contains("1 bytes too many"));
  }
}

TEST_CASE("any value survives the binary form, and only its bytes do", "[core][value_codec]") {
  const auto seed = GENERATE(range<std::uint64_t>(0, 20));
  INFO("seed = " << seed);
  random_values values(seed, {.depth_max = 5, .length_max = 6, .nan = true});
  for (int i = 0; i < 200; ++i) {
    const auto x = values.next();
    const auto bytes = encoded(x);
    const auto back = decode(bytes);
    REQUIRE(back.has_value());
    REQUIRE(encoded(*back) == bytes);
    auto damaged = bytes;
    damaged[values.below(damaged.size())] ^= static_cast<char>(1 + values.below(255));
    if (const auto other = decode(damaged))
      REQUIRE(encoded(*other) == damaged);
  }
}

TEST_CASE("values without NaN come back equal", "[core][value_codec]") {
  random_values values(99);
  for (int i = 0; i < 2000; ++i) {
    const auto x = values.next();
    const auto back = decode(encoded(x));
    REQUIRE(back.has_value());
    REQUIRE(*back == x);
  }
}

TEST_CASE("NaN and the sign of zero survive the binary form", "[core][value_codec]") {
  const auto nan = decode(encoded(std::numeric_limits<double>::signaling_NaN()));
  REQUIRE(nan.has_value());
  CHECK(std::isnan(*nan->as<double>()));
  CHECK(encoded(-std::numeric_limits<double>::quiet_NaN())
        == encoded(std::numeric_limits<double>::quiet_NaN()));
  CHECK(std::signbit(*decode(encoded(-0.0))->as<double>()));
  CHECK_FALSE(std::signbit(*decode(encoded(0.0))->as<double>()));
}

TEST_CASE("bytes that are no canonical value are refused with their offset",
          "[core][value_codec]") {
  struct row {
    std::string bytes;
    std::string why;
  };
  const std::vector<row> table{
      {"", "byte 0: 1 bytes should follow"},
      {"\x0B", "byte 0: no value starts with byte 11"},
      {"\7\1\xFF", "byte 2: no value starts with byte 255"},
      {"\3\x80\0"s, "byte 1: a number that is not written in its shortest form"},
      {"\4\1\0\0\0\0\0\xF8\x7F"s, "byte 1: a NaN that is not the canonical one"},
      {"\5\2\xC3\x28", "byte 1: text that is not UTF-8"},
      {"\x08\1\1\xFF\0"s, "byte 2: text that is not UTF-8"},
      {"\x08\2\1b\0\1a\0"s, "byte 5: a key that is not greater"},
      {"\x08\2\1a\0\1a\0"s, "byte 5: a key that is not greater"},
      {"\7\3\0\0"s, "byte 1: 3 elements should follow, but only 2 bytes remain"},
      {"\0\0"s, "byte 1: 1 bytes too many"},
  };
  for (const auto& x : table) {
    const auto wrong = refused(x.bytes);
    CHECK(wrong.code == errc::malformed);
    CHECK_THAT(wrong.message, Contains(x.why));
  }
}

TEST_CASE("values are nested as deep as the limit and no deeper", "[core][value_codec]") {
  for (const auto make : {nested_lists, nested_dicts}) {
    for (const std::uint32_t limit : {0U, 1U, 2U, 64U}) {
      const value_limits limits{.depth_max = limit};
      const auto deepest = encode(make(limit), limits);
      REQUIRE(deepest.has_value());
      CHECK(decode(*deepest, limits).has_value());
      const auto deeper = encode(make(limit + 1), limits);
      REQUIRE_FALSE(deeper.has_value());
      CHECK(deeper.error().code == errc::limit_exceeded);
      CHECK_THAT(deeper.error().message, Contains(std::to_string(limit) + " levels"));
      const auto bytes = encode(make(limit + 1), {.depth_max = limit + 1});
      REQUIRE(bytes.has_value());
      CHECK(refused(*bytes, limits).code == errc::limit_exceeded);
    }
  }
  std::string endless;
  for (int i = 0; i < 1'000'000; ++i)
    endless += "\7\1";
  CHECK(refused(endless + '\0').code == errc::limit_exceeded);
}

TEST_CASE("values are encoded up to the size limit and no further", "[core][value_codec]") {
  const std::vector<value> samples{std::string(100, 'x'), bytes(100), list(98, value()),
                                   dict{{std::string(98, 'k'), nullptr}},
                                   blob_ref{{}, 0, std::string(83, 'b')}};
  for (const auto& x : samples) {
    INFO(type_name(x));
    const auto whole = encoded(x);
    const auto size = whole.size();
    const auto fits = encode(x, {.size_max = size});
    REQUIRE(fits.has_value());
    CHECK(decode(*fits, {.size_max = size}).has_value());
    for (const auto less : {size - 1, size / 2, std::size_t{1}, std::size_t{0}}) {
      const auto long_one = encode(x, {.size_max = less});
      REQUIRE_FALSE(long_one.has_value());
      CHECK(long_one.error().code == errc::limit_exceeded);
      CHECK(refused(whole, {.size_max = less}).code == errc::limit_exceeded);
    }
  }
}

TEST_CASE("text that is not UTF-8 is refused wherever it stands", "[core][value_codec]") {
  for (const value& x :
       {value("\xFF"), value(list{dict{{"\xC3", 1}}}), value(blob_ref{{}, 0, "\x80"})}) {
    const auto wrong = encode(x);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == errc::malformed);
    CHECK_THAT(wrong.error().message, Contains("not UTF-8"));
  }
}

TEST_CASE("a claimed length that is not there allocates nothing", "[core][value_codec]") {
  for (const char kind : {'\5', '\6', '\7', '\x08'}) {
    const auto huge = kind + "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"s;
    CHECK(refused(huge).code == errc::malformed);
  }
}
