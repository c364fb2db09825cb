#include "maze/io/http_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace maze::io {

namespace {

tl::unexpected<core::error> malformed(std::string_view what, std::string_view text) {
  constexpr std::size_t shown_max = 200;
  return core::fail(
      core::errc::malformed,
      fmt::format("the target '{}' of the request {}", text.substr(0, shown_max), what), "http");
}

/// Nothing where an escape is none or gives a zero byte.
std::optional<std::string> decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '+' && plus_is_blank) {
      out += ' ';
      continue;
    }
    if (c != '%') {
      out += c;
      continue;
    }
    std::uint8_t byte = 0;
    const auto digits = text.substr(at + 1, 2);
    const auto [stop, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || fault != std::errc{} || stop != digits.data() + 2 || byte == 0)
      return std::nullopt;
    out += static_cast<char>(byte);
    at += 2;
  }
  return out;
}

/// Calls `take` with each part between separators, until it says no.
template <class Take>
bool for_each_part(std::string_view text, char separator, Take take) {
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (!take(text.substr(0, end)))
      return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

} // namespace

core::result<http_target> parse_target(std::string_view text) {
  const auto is_odd = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '#';
  };
  if (!text.starts_with('/') || std::any_of(text.begin(), text.end(), is_odd))
    return malformed("is no path: it begins with '/' and escapes blanks", text);
  http_target out;
  const auto question = std::min(text.find('?'), text.size());
  const bool path = for_each_part(text.substr(0, question), '/', [&](std::string_view part) {
    auto plain = decoded(part, false);
    if (plain && !plain->empty())
      out.path.push_back(std::move(*plain));
    return plain.has_value();
  });
  if (!path)
    return malformed("has a '%' that is not followed by two hexadecimal digits of a byte", text);
  std::string twice;
  const auto query = text.substr(std::min(question + 1, text.size()));
  const bool sound = for_each_part(query, '&', [&](std::string_view part) {
    const auto equals = std::min(part.find('='), part.size());
    auto name = decoded(part.substr(0, equals), true);
    auto value = decoded(part.substr(std::min(equals + 1, part.size())), true);
    if (!name || !value)
      return false;
    if (!out.query.emplace(*name, std::move(*value)).second)
      twice = *name;
    return twice.empty();
  });
  if (!twice.empty())
    return malformed("gives one name twice", text);
  if (!sound)
    return malformed("has a '%' that is not followed by two hexadecimal digits of a byte", text);
  return out;
}

} // namespace maze::io
