#include "maze/core/units.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace maze::core;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr auto u64_max = std::numeric_limits<std::uint64_t>::max();
constexpr auto i64_max = std::numeric_limits<std::int64_t>::max();

} // namespace

TEST_CASE("byte counts are read with decimal and binary units", "[core][units]") {
  const std::vector<std::pair<std::string, std::uint64_t>> table{
      {"0", 0},
      {"512", 512},
      {"512B", 512},
      {"64KB", 64'000},
      {"64KiB", 65'536},
      {"2GB", 2'000'000'000},
      {"1.5GiB", 1'610'612'736},
      {"3MB", 3'000'000},
      {"3MiB", 3'145'728},
      {"1TB", 1'000'000'000'000},
      {"1TiB", 1'099'511'627'776},
      {"0.001KB", 1},
      {"0.0009765625KiB", 1},
      {"2.50KB", 2500},
      {"007B", 7},
      {"18446744073709551615", u64_max},
      {"16777215TiB", 16'777'215ULL << 40},
      {"0.00000000000090949470177292823791503906250TiB", 1},
  };
  for (const auto& [text, expected] : table) {
    INFO(text);
    const auto parsed = parse_byte_count(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->value == expected);
  }
}

TEST_CASE("a wrong byte count is refused with what is allowed", "[core][units]") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "does not start with a number"},
      {"KB", "does not start with a number"},
      {"-1B", "is negative"},
      {"+1B", "does not start with a number"},
      {" 1B", "does not start with a number"},
      {"1 B", "unknown unit"},
      {"1B ", "unknown unit"},
      {"1kb", "unknown unit"},
      {"1PB", "unknown unit"},
      {"1.B", "does not start with a number"},
      {".5KB", "does not start with a number"},
      {"1.5", "has no unit"},
      {"0.5B", "whole number of bytes"},
      {"0.0001KB", "whole number of bytes"},
      {"0.1KiB", "whole number of bytes"},
      {"18446744073709551616", "is too large"},
      {"16777216TiB", "is too large"},
      {"99999999999999999999999B", "is too large"},
      {"18446744073709551.616KB", "is too large"},
      {"1e3B", "unknown unit"},
      {"0x10B", "unknown unit"},
  };
  for (const auto& [text, why] : table) {
    INFO(text);
    const auto parsed = parse_byte_count(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == errc::invalid_argument);
    CHECK_THAT(parsed.error().message, Contains("\"" + text + "\" ") && Contains(why));
    CHECK_THAT(parsed.error().message, Contains("KiB"));
  }
}

TEST_CASE("byte counts are written as briefly as exactness allows", "[core][units]") {
  const std::vector<std::pair<std::uint64_t, std::string>> table{
      {0, "0B"},
      {1, "1B"},
      {1000, "1KB"},
      {1024, "1KiB"},
      {1500, "1500B"},
      {2'147'483'648, "2GiB"},
      {512'000'000, "512MB"},
      {std::uint64_t{1} << 40, "1TiB"},
      {u64_max, "18446744073709551615B"},
  };
  for (const auto& [size, text] : table)
    CHECK(to_string(byte_count{size}) == text);
}

TEST_CASE("durations are read with their units", "[core][units]") {
  const std::vector<std::pair<std::string, duration>> table{
      {"10ns", 10ns},
      {"250us", 250us},
      {"300ms", 300ms},
      {"1.5s", 1500ms},
      {"10m", 10min},
      {"2h", 2h},
      {"1d", 24h},
      {"0s", 0ns},
      {"0.000000001s", 1ns},
      {"0.5m", 30s},
      {"1.25h", 75min},
      {"9223372036854775807ns", duration(i64_max)},
      {"106751d", 24h * 106751},
  };
  for (const auto& [text, expected] : table) {
    INFO(text);
    const auto parsed = parse_duration(text);
    REQUIRE(parsed.has_value());
    CHECK(*parsed == expected);
  }
}

TEST_CASE("a wrong duration is refused with what is allowed", "[core][units]") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "does not start with a number"},
      {"10", "has no unit"},
      {"1.5", "has no unit"},
      {"-1s", "is negative"},
      {"1S", "unknown unit"},
      {"1min", "unknown unit"},
      {"1h30m", "unknown unit"},
      {"0.5ns", "whole number of nanoseconds"},
      {"0.0000000001s", "whole number of nanoseconds"},
      {"9223372036854775808ns", "is too large"},
      {"106752d", "is too large"},
      {"99999999999999999999d", "is too large"},
  };
  for (const auto& [text, why] : table) {
    INFO(text);
    const auto parsed = parse_duration(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == errc::invalid_argument);
    CHECK_THAT(parsed.error().message, Contains("\"" + text + "\" ") && Contains(why));
    CHECK_THAT(parsed.error().message, Contains("300ms"));
  }
}

TEST_CASE("durations are written as briefly as exactness allows", "[core][units]") {
  CHECK(to_string(duration(0)) == "0s");
  CHECK(to_string(duration(10min)) == "10m");
  CHECK(to_string(duration(1500ms)) == "1500ms");
  CHECK(to_string(duration(90s)) == "90s");
  CHECK(to_string(duration(24h)) == "1d");
  CHECK(to_string(duration(1ns)) == "1ns");
  CHECK(to_string(duration(-5s)) == "-5s");
  CHECK(to_string(duration(std::numeric_limits<std::int64_t>::min())) == "-9223372036854775808ns");
}

TEST_CASE("percentages go from 0 to 100 in hundredths", "[core][units]") {
  for (std::uint32_t points = 0; points <= 10'000; ++points) {
    const percentage x{points};
    const auto parsed = parse_percentage(to_string(x));
    if (!parsed || *parsed != x)
      FAIL("percentage " << to_string(x) << " does not survive");
  }
  CHECK(to_string(percentage{8000}) == "80%");
  CHECK(to_string(percentage{1250}) == "12.5%");
  CHECK(to_string(percentage{1}) == "0.01%");
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"80", "has no unit"},    {"100.01%", "is too large"}, {"0.001%", "whole number"},
      {"-1%", "is negative"},   {"80 %", "unknown unit"},    {"", "does not start with a number"},
      {"101%", "is too large"},
  };
  for (const auto& [text, why] : wrong) {
    const auto parsed = parse_percentage(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == errc::invalid_argument);
    CHECK_THAT(parsed.error().message, Contains(why) && Contains("0% to 100%"));
  }
}

TEST_CASE("any byte count and duration parses back to itself", "[core][units]") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    const auto shift = random() % 64;
    auto size = random() >> shift;
    if (random() % 2 == 0)
      size = size / 1000 * 1000;
    const auto bytes = parse_byte_count(to_string(byte_count{size}));
    REQUIRE(bytes.has_value());
    REQUIRE(bytes->value == size);
    const duration time(static_cast<std::int64_t>(size >> 1));
    const auto parsed = parse_duration(to_string(time));
    REQUIRE(parsed.has_value());
    REQUIRE(*parsed == time);
  }
}

TEST_CASE("two byte counts to compare have units of one kind", "[core][units]") {
  const auto pair = [](std::uint64_t exact, std::uint64_t rounded) {
    const auto both = in_like_units({exact}, {rounded});
    return both.exact + " " + both.rounded;
  };
  CHECK(pair(2'000'000'000, std::uint64_t{1} << 30) == "2GB 1.07GB");
  CHECK(pair(std::uint64_t{2} << 30, 2'000'000'000) == "2GiB 1.86GiB");
  CHECK(pair(2'000'000'001, 1'500'000'000) == "2000000001B 1.5GB");
  CHECK(pair(2000, 999) == "2KB 999B");
  CHECK(pair(2000, 0) == "2KB 0B");
  CHECK(pair(std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max())
        == "1TiB 16777215.99TiB");
}
