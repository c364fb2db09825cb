#include "maze/core/image_name.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace maze::core {

namespace {

/// Of host and path together.
constexpr std::size_t repository_max = 255;
constexpr std::size_t tag_max = 128;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

tl::unexpected<error> wrong(std::string_view part, std::string_view text, std::string_view rule) {
  return fail(errc::invalid_argument, text.empty() ? fmt::format("its {} is empty: {}", part, rule)
                                                   : fmt::format("its {} \"{}\" is wrong: {}", part,
                                                                 printable(text), rule));
}

/// Letters and digits of lower case, and between two of them one dot, one or two underscores, or dashes.
bool is_component(std::string_view text) {
  const auto plain = [](char c) { return is_lower(c) || is_digit(c); };
  for (std::size_t at = 0;;) {
    const auto begin = at;
    while (at < text.size() && plain(text[at]))
      ++at;
    if (at == begin)
      return false;
    if (at == text.size())
      return true;
    const auto end =
        std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), plain);
    const auto between = text.substr(at, static_cast<std::size_t>(end - text.begin()) - at);
    if (between != "." && between != "_" && between != "__"
        && between.find_first_not_of('-') != std::string_view::npos)
      return false;
    at += between.size();
  }
}

/// Letters, digits, and dashes between them, in parts with dots.
bool is_host(std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('.', at), text.size());
    const auto part = text.substr(at, end - at);
    if (part.empty() || part.front() == '-' || part.back() == '-'
        || !std::all_of(part.begin(), part.end(),
                        [](char c) { return is_letter(c) || is_digit(c) || c == '-'; }))
      return false;
    at = end + 1;
  }
  return true;
}

result<void> check_host(std::string_view text) {
  const auto colon = text.find(':');
  if (!is_host(text.substr(0, colon)))
    return wrong("host", text, "it has letters, digits, and between them dots and dashes");
  if (colon == std::string_view::npos)
    return {};
  const auto port = text.substr(colon + 1);
  if (port.empty() || !std::all_of(port.begin(), port.end(), is_digit))
    return wrong("port", port, "it has digits only");
  return {};
}

/// Host and path.
result<void> check_repository(std::string_view text) {
  if (text.size() > repository_max)
    return fail(errc::invalid_argument,
                fmt::format("it has {} bytes before the tag, at most {} are taken", text.size(),
                            repository_max));
  const auto slash = text.find('/');
  const auto first = text.substr(0, slash);
  // As engines tell a host from the first part of a path.
  if (slash != std::string_view::npos
      && (first.find_first_of(".:") != std::string_view::npos || first == "localhost")) {
    if (auto fine = check_host(first); !fine)
      return fine;
    text.remove_prefix(slash + 1);
  }
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('/', at), text.size());
    if (const auto part = text.substr(at, end - at); !is_component(part))
      return wrong("name", part,
                   "each part between slashes has lower-case letters and digits, and between them "
                   "a dot, one or two underscores, or dashes");
    at = end + 1;
  }
  return {};
}

result<void> check_tag(std::string_view text) {
  const auto first = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
  if (text.empty() || text.size() > tag_max || !first(text.front())
      || !std::all_of(text.begin(), text.end(),
                      [&](char c) { return first(c) || c == '.' || c == '-'; }))
    return wrong("tag", text,
                 fmt::format("it has up to {} letters, digits, underscores, dots and dashes, and "
                             "begins with none of the last two",
                             tag_max));
  return {};
}

result<void> check_digest(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 3> kinds{
      {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}}};
  for (const auto& [kind, digits] : kinds)
    if (text.starts_with(kind) && text.size() == kind.size() + digits
        && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(kind.size()), text.end(),
                       [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }))
      return {};
  return wrong("digest", text, "it is sha256: and 64 hexadecimal digits in lower case");
}

} // namespace

result<void> check_image_name(std::string_view name) {
  if (const auto at = name.find('@'); at != std::string_view::npos) {
    if (auto fine = check_digest(name.substr(at + 1)); !fine)
      return fine;
    name = name.substr(0, at);
  }
  // The colon of a port has a slash behind it.
  const auto slash = name.rfind('/');
  if (const auto colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
      colon != std::string_view::npos) {
    if (auto fine = check_tag(name.substr(colon + 1)); !fine)
      return fine;
    name = name.substr(0, colon);
  }
  return check_repository(name);
}

} // namespace maze::core
