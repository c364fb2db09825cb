#include "maze/core/utf8.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace maze::core;

namespace {

/// Encodes by the plain bit pattern, surrogates and overlong forms included.
std::string bits_of(char32_t code, int length) {
  if (length == 1)
    return {static_cast<char>(code)};
  std::string out;
  for (int i = length - 1; i > 0; --i)
    out += static_cast<char>(0x80 | ((code >> (6 * (i - 1))) & 0x3F));
  const int lead = (0xF00 >> length) & 0xFF;
  const auto top = code >> (6 * (length - 1));
  return std::string{static_cast<char>(static_cast<char32_t>(lead) | top)} + out;
}

int shortest(char32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

} // namespace

TEST_CASE("every character is UTF-8 in its shortest form only", "[core][utf8]") {
  for (char32_t code = 0; code < 0x200000; ++code) {
    for (int length = shortest(code); length <= 4; ++length) {
      const auto text = bits_of(code, length);
      const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
      const bool good = length == shortest(code) && !surrogate && code <= 0x10FFFF;
      const auto read = first_character(text);
      if (is_utf8(text) != good || read.length != (good ? text.size() : 0)
          || (good && read.code != code))
        FAIL("character " << static_cast<unsigned long>(code) << " in " << length << " bytes");
    }
  }
}

TEST_CASE("broken sequences are no UTF-8", "[core][utf8]") {
  const std::vector<std::string> broken{
      "\x80", "\xC3", "\xC3(",      "\xE2\x82",     "\xE2(\xA1", "\xF0\x9F\x98", "\xF5\x80\x80\x80",
      "\xFF", "\xFE", "ok\xC0\x80", "\xC3\xA9\xA9",
  };
  for (const auto& text : broken)
    CHECK_FALSE(is_utf8(text));
  CHECK(is_utf8(""));
  CHECK(is_utf8(std::string(3, '\0')));
  CHECK(is_utf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"));
  CHECK(first_character("").length == 0);
}
