#include "maze/io/plain_scalar.hpp"

#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace maze::io {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end]))
    ++end;
  return end - at;
}

bool is_one_of(std::string_view text, const auto& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string_view without_sign(std::string_view text) {
  return !text.empty() && (text[0] == '-' || text[0] == '+') ? text.substr(1) : text;
}

/// Digits with an optional point and exponent, however sloppy: `.5`, `5.`, `01.5e+3`.
bool is_loose_number(std::string_view text) {
  std::size_t at = 0;
  const auto whole = digits_at(text, at);
  at += whole;
  std::size_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    fraction = digits_at(text, ++at);
    at += fraction;
  }
  if (whole + fraction == 0)
    return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+'))
      ++at;
    const auto exponent = digits_at(text, at);
    if (exponent == 0)
      return false;
    at += exponent;
  }
  return at == text.size();
}

enum class number_kind : std::uint8_t { none, whole, fractional };

/// Source: RFC 8259, section 6.
number_kind json_number(std::string_view text) {
  const auto body = text.starts_with('-') ? text.substr(1) : text;
  if (text.starts_with('+') || !is_loose_number(body))
    return number_kind::none;
  const auto whole = digits_at(body, 0);
  if (whole == 0 || (whole > 1 && body[0] == '0'))
    return number_kind::none;
  if (whole == body.size())
    return number_kind::whole;
  if (body[whole] == '.' && digits_at(body, whole + 1) == 0)
    return number_kind::none;
  return number_kind::fractional;
}

/// `1:30`, `-12:05:59`, `1:30.5`: base 60 in YAML 1.1.
bool is_sexagesimal(std::string_view text) {
  std::size_t at = digits_at(text, 0);
  if (at == 0)
    return false;
  std::size_t parts = 0;
  while (at < text.size() && text[at] == ':') {
    const auto count = digits_at(text, at + 1);
    if (count == 0 || count > 2 || (count == 2 && text[at + 1] > '5'))
      return false;
    at += 1 + count;
    ++parts;
  }
  if (at < text.size() && text[at] == '.')
    at += 1 + digits_at(text, at + 1);
  return parts > 0 && at == text.size();
}

/// `2024-01-31`, alone or with a time behind it.
bool is_date(std::string_view text) {
  std::size_t at = digits_at(text, 0);
  if (at != 4)
    return false;
  for (int part = 0; part < 2; ++part) {
    if (at >= text.size() || text[at] != '-')
      return false;
    const auto count = digits_at(text, at + 1);
    if (count == 0 || count > 2)
      return false;
    at += 1 + count;
  }
  return at == text.size()
         || (std::string_view("tT \t").find(text[at]) != std::string_view::npos
             && text.find(':', at) != std::string_view::npos);
}

struct trap {
  std::string_view what;
  std::string_view advice;
};

std::optional<trap> find_trap(std::string_view text) {
  using namespace std::string_view_literals;
  static constexpr auto booleans =
      std::to_array({"y"sv,  "Y"sv,  "yes"sv, "Yes"sv,  "YES"sv,  "n"sv,     "N"sv,
                     "no"sv, "No"sv, "NO"sv,  "True"sv, "TRUE"sv, "False"sv, "FALSE"sv,
                     "on"sv, "On"sv, "ON"sv,  "off"sv,  "Off"sv,  "OFF"sv});
  static constexpr auto nulls = std::to_array({"~"sv, "Null"sv, "NULL"sv});
  static constexpr auto specials =
      std::to_array({".inf"sv, ".Inf"sv, ".INF"sv, ".nan"sv, ".NaN"sv, ".NAN"sv});
  if (is_one_of(text, booleans))
    return trap{"a boolean to some YAML readers and text to others", "write true or false"};
  if (is_one_of(text, nulls))
    return trap{"null to some YAML readers and text to others", "write null"};
  const auto body = without_sign(text);
  if (is_one_of(body, specials))
    return trap{"no finite number", "write a number"};
  if (body.size() > 2 && body.starts_with("0x") && only(body.substr(2), "0123456789abcdefABCDEF_"))
    return trap{"a hexadecimal number to YAML readers", "write the number in decimal"};
  if (body.size() > 2 && body.starts_with("0o") && only(body.substr(2), "01234567_"))
    return trap{"an octal number to some YAML readers", "write the number in decimal"};
  if (body.size() > 2 && body.starts_with("0b") && only(body.substr(2), "01_"))
    return trap{"a binary number to some YAML readers", "write the number in decimal"};
  if (is_sexagesimal(body))
    return trap{"a number to base 60 to some YAML readers", "write the number in decimal"};
  if (is_date(text))
    return trap{"a date to some YAML readers", ""};
  if (only(body, "0123456789_.") && body.find('_') != std::string_view::npos
      && body.find_first_of("0123456789") != std::string_view::npos)
    return trap{"a number to some YAML readers and text to others",
                "write the number without underscores"};
  if (!is_loose_number(body))
    return std::nullopt;
  if (body.size() > 1 && body[0] == '0' && digits_at(body, 0) == body.size())
    return trap{"an octal number to some YAML readers and decimal to others",
                "write the number without leading zeros"};
  return trap{"a number, but not as JSON writes numbers",
              "write the number with digits on both sides of the point, no plus sign and no "
              "leading zeros"};
}

scalar_fault too_large(std::string_view text, std::string_view limit) {
  return {codes::number_out_of_range, fmt::format("the number {} {}", text, limit),
          fmt::format("write a smaller number, or \"{}\" in quotes for text", text)};
}

} // namespace

tl::expected<core::value, scalar_fault> read_plain_scalar(std::string_view text) {
  if (text.empty() || text == "null")
    return core::value();
  if (text == "true" || text == "false")
    return core::value(text == "true");
  const char* const end = text.data() + text.size();
  switch (json_number(text)) {
  case number_kind::whole: {
    std::int64_t whole = 0;
    if (std::from_chars(text.data(), end, whole).ec != std::errc())
      return tl::unexpected(too_large(text, "does not fit 64 bits with a sign"));
    return core::value(whole);
  }
  case number_kind::fractional: {
    double number = 0;
    if (std::from_chars(text.data(), end, number).ec != std::errc())
      return tl::unexpected(too_large(text, "is beyond the range of a double"));
    return core::value(number);
  }
  case number_kind::none:
    break;
  }
  if (const auto found = find_trap(text))
    return tl::unexpected(scalar_fault{
        codes::ambiguous_scalar, fmt::format("{} without quotes is {}", text, found->what),
        fmt::format("{}{}\"{}\" in quotes for text", found->advice,
                    found->advice.empty() ? "write " : ", or ", text)});
  return core::value(text);
}

} // namespace maze::io
