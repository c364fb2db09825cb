#include "maze/io/plain_scalar.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze;

TEST_CASE("bare words mean what JSON says, and text otherwise", "[io][workflow]") {
  CHECK(*io::read_plain_scalar("true") == core::value(true));
  CHECK(*io::read_plain_scalar("false") == core::value(false));
  CHECK(*io::read_plain_scalar("null") == core::value());
  CHECK(*io::read_plain_scalar("") == core::value());
  CHECK(*io::read_plain_scalar("-12") == core::value(-12));
  CHECK(*io::read_plain_scalar("-0") == core::value(0));
  CHECK(*io::read_plain_scalar("0.25") == core::value(0.25));
  CHECK(*io::read_plain_scalar("1E3") == core::value(1000.0));
  CHECK(*io::read_plain_scalar("-1.5e-2") == core::value(-0.015));
  CHECK(*io::read_plain_scalar("word") == core::value("word"));
}

TEST_CASE("no word that YAML readers quarrel about is guessed", "[io][workflow]") {
  const auto word =
      GENERATE(as<std::string>{}, "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "True",
               "TRUE", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", "~", "Null", "NULL",
               "0755", "-010", "00", "08", "+1", "0x1F", "-0xff", "0o17", "0b11", "1_000", "_1",
               "1_", "1_0.5", "1:30", "-1:30", "12:05:59", "1:30.5", ".5", "5.", "-.5", "+1.5",
               "01.5", "1.e5", ".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN", "2024-01-31",
               "2024-1-1", "2024-01-31T10:00:00Z", "2024-01-31 10:00:00");
  const auto meaning = io::read_plain_scalar(word);
  INFO(word);
  REQUIRE_FALSE(meaning);
  CHECK(meaning.error().code == "ambiguous_scalar");
  CHECK(meaning.error().remedy.find("\"" + word + "\" in quotes for text") != std::string::npos);
}

TEST_CASE("what only resembles such a word is text", "[io][workflow]") {
  const auto word = GENERATE(as<std::string>{}, "yess", "nope", "~x", "1.2.3", "8080:80", "1:60",
                             "1:", ":30", "0x", "0xg", "0o8", "0b2", "_", "__", "._", ".", "-", "+",
                             "e5", "1e", "1e+", ".info", "2024-01", "2024-01-31x", "20240-01-31",
                             "1-2-3", "inf", "nan", "-x", "a:1", "2024-01-31 rest");
  INFO(word);
  REQUIRE(io::read_plain_scalar(word));
  CHECK(*io::read_plain_scalar(word) == core::value(word));
}

TEST_CASE("numbers beyond 64 bits are refused, not rounded", "[io][workflow]") {
  CHECK(*io::read_plain_scalar("9223372036854775807")
        == core::value(std::int64_t{9223372036854775807}));
  for (const auto* word : {"9223372036854775808", "-9223372036854775809", "1e999", "-1e999"}) {
    INFO(word);
    REQUIRE_FALSE(io::read_plain_scalar(word));
    CHECK(io::read_plain_scalar(word).error().code == "number_out_of_range");
  }
}
