#include "maze/core/printable.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

TEST_CASE("a text cannot forge a line or steer a terminal", "[core][printable]") {
  CHECK(printable("plain text, größer 日本 🙂") == "plain text, größer 日本 🙂");
  CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(printable("\x1b[31mred\x07") == "\\x1b[31mred\\x07");
  CHECK(printable(std::string_view("a\0b\x7f", 4)) == "a\\x00b\\x7f");
  CHECK(printable("\xc2\x9b 2J") == "\\u{9b} 2J");
  CHECK(printable("\xe2\x80\xae gpj.exe") == "\\u{202e} gpj.exe");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");
  CHECK(printable("\\n") == "\\\\n");
  CHECK(printable("").empty());
}

TEST_CASE("columns are counted as a terminal shows them", "[core][printable]") {
  CHECK(columns("") == 0);
  CHECK(columns("abc") == 3);
  CHECK(columns("größer") == 6);
  CHECK(columns("日本") == 4);
  CHECK(columns("e\xcc\x81") == 1);
  CHECK(columns("🙂") == 2);
  CHECK(columns("\xff") == 1);
}

TEST_CASE("a text is cut between characters and never too wide", "[core][printable]") {
  CHECK(fit("abcdef", 6) == "abcdef");
  CHECK(fit("abcdef", 5) == "abcd…");
  CHECK(fit("abcdef", 1) == "…");
  CHECK(fit("abcdef", 0).empty());
  CHECK(fit("日本語", 5) == "日本…");
  CHECK(fit("日本語", 4) == "日…");
  for (std::size_t width = 0; width < 12; ++width)
    CHECK(columns(fit("e\xcc\x81日x🙂größer\xff!", width)) <= width);
}
