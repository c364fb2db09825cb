#include "maze/core/ignore_rules.hpp"

#include "maze/core/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace maze::core {

namespace {

using token = ignore_rules::token;
using part = ignore_rules::part;
using ranges = std::vector<std::pair<char32_t, char32_t>>;

constexpr std::string_view empty_part = "has an empty part, `.` or `..`, which no path has";
/// A character that no text has: what a byte becomes that is not UTF-8.
constexpr char32_t raw_byte = 0x110000;

char32_t next_character(std::string_view& text) noexcept {
  const auto [code, length] = first_character(text);
  const auto raw = static_cast<unsigned char>(text.front());
  text.remove_prefix(length == 0 ? 1 : length);
  return length == 0 ? raw_byte + raw : code;
}

tl::unexpected<error> useless(std::string_view pattern, std::string_view why) {
  constexpr std::size_t shown_max = 200;
  return fail(errc::invalid_argument,
              fmt::format("the pattern \"{}\" {}", pattern.substr(0, shown_max), why));
}

/// The characters of `[:name:]`, of ASCII as in the C locale; nothing where there is no such class.
std::optional<ranges> named_class(std::string_view name) {
  static const std::array<std::pair<std::string_view, ranges>, 12> classes{{
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"blank", {{' ', ' '}, {'\t', '\t'}}},
      {"cntrl", {{0, 31}, {127, 127}}},
      {"digit", {{'0', '9'}}},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  }};
  for (const auto& [known, characters] : classes)
    if (known == name)
      return characters;
  return std::nullopt;
}

/// One member of a set, escaped or not; nothing where the pattern ends.
std::optional<char32_t> take_member(std::string_view& rest) noexcept {
  if (rest.starts_with('\\'))
    rest.remove_prefix(1);
  return rest.empty() ? std::nullopt : std::optional(next_character(rest));
}

/// Reads a set behind its `[`, and takes it off; nothing where it is not closed.
std::optional<token> take_set(std::string_view& rest) {
  token out{.means = token::kind::set};
  if (rest.starts_with('!') || rest.starts_with('^')) {
    out.inverted = true;
    rest.remove_prefix(1);
  }
  // A bracket that comes first is a member.
  for (bool first = true; first || !rest.starts_with(']'); first = false) {
    // Without a colon in front of the next bracket it is an ordinary member.
    if (const auto end = rest.find(']', 2); rest.starts_with("[:") && end != std::string_view::npos
                                            && end > 2 && rest[end - 1] == ':') {
      const auto members = named_class(rest.substr(2, end - 3));
      if (!members)
        return std::nullopt;
      out.ranges.insert(out.ranges.end(), members->begin(), members->end());
      rest.remove_prefix(end + 1);
      continue;
    }
    const auto low = take_member(rest);
    auto high = low;
    if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      high = take_member(rest);
    }
    if (!low || !high)
      return std::nullopt;
    out.ranges.emplace_back(*low, *high);
    // Git counts it also where the two stand in the wrong order.
    if (*high < *low)
      out.ranges.back() = {*low, *low};
  }
  rest.remove_prefix(1);
  return out;
}

result<part> compile_part(std::string_view text, std::string_view pattern) {
  part out;
  while (!text.empty()) {
    const char first = text.front();
    if (first == '*' || first == '?') {
      text.remove_prefix(1);
      out.push_back({.means = first == '*' ? token::kind::star : token::kind::any});
    } else if (first == '[') {
      text.remove_prefix(1);
      auto set = take_set(text);
      if (!set)
        return useless(pattern, "has a `[` that no `]` closes, or a class of no such name");
      out.push_back(*std::move(set));
    } else {
      if (first == '\\')
        text.remove_prefix(1);
      if (text.empty())
        return useless(pattern, "ends behind a backslash");
      out.push_back({.character = next_character(text)});
    }
  }
  return out;
}

bool fits_character(const token& x, char32_t c) noexcept {
  if (x.means == token::kind::character)
    return x.character == c;
  return x.means == token::kind::any
         || x.inverted != std::any_of(x.ranges.begin(), x.ranges.end(), [c](const auto& range) {
              return range.first <= c && c <= range.second;
            });
}

/// Only the last star has to be tried again, so this takes at most |tokens| x |text| steps.
bool fits_part(const part& tokens, std::string_view text) noexcept {
  auto next = tokens.begin();
  auto again = tokens.end();
  std::string_view text_again;
  while (!text.empty()) {
    if (next != tokens.end() && next->means == token::kind::star) {
      again = ++next;
      text_again = text;
      if (again == tokens.end())
        return true;
      continue;
    }
    auto rest = text;
    if (next != tokens.end() && fits_character(*next, next_character(rest))) {
      ++next;
      text = rest;
      continue;
    }
    if (text_again.empty())
      return false;
    next_character(text_again);
    next = again;
    text = text_again;
  }
  return std::all_of(next, tokens.end(),
                     [](const token& x) { return x.means == token::kind::star; });
}

/// Takes the first part off `path`.
std::string_view take_part(std::string_view& path) noexcept {
  const auto end = std::min(path.find('/'), path.size());
  const auto out = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return out;
}

/// The same for whole parts, where an empty one stands for any number of them.
bool fits_parts(const std::vector<part>& parts, std::string_view path) noexcept {
  auto next = parts.begin();
  auto again = parts.end();
  std::string_view path_again;
  while (!path.empty()) {
    if (next != parts.end() && next->empty()) {
      again = ++next;
      path_again = path;
      continue;
    }
    auto rest = path;
    if (next != parts.end() && fits_part(*next, take_part(rest))) {
      ++next;
      path = rest;
      continue;
    }
    if (path_again.empty())
      return false;
    take_part(path_again);
    next = again;
    path = path_again;
  }
  return std::all_of(next, parts.end(), [](const part& x) { return x.empty(); });
}

/// Without the spaces at its end, unless a backslash keeps one.
std::string_view without_end_spaces(std::string_view pattern) noexcept {
  std::size_t end = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == ' ')
      continue;
    if (pattern[i] == '\\' && i + 1 < pattern.size())
      ++i;
    end = i + 1;
  }
  return pattern.substr(0, end);
}

/// Takes the first part off a pattern; a backslash in front of the slash means nothing.
std::string take_pattern_part(std::string_view& pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool escapes = pattern[i] == '\\' && i + 1 < pattern.size();
    if (pattern[i] == '/' || (escapes && pattern[i + 1] == '/')) {
      pattern.remove_prefix(i + (escapes ? 2 : 1));
      return out;
    }
    out += pattern[i];
    if (escapes)
      out += pattern[++i];
  }
  pattern = {};
  return out;
}

} // namespace

result<ignore_rules::rule> ignore_rules::compile(std::string_view pattern) {
  if (pattern.find('\n') != std::string_view::npos)
    return useless(pattern, "has a line break: write one pattern for each line");
  rule out;
  auto rest = without_end_spaces(pattern);
  if (rest.starts_with('!')) {
    out.takes_back = true;
    rest.remove_prefix(1);
  }
  if (rest.ends_with('/')) {
    out.folders_only = true;
    rest.remove_suffix(1);
  }
  if (rest.empty())
    return useless(pattern, "names nothing");
  out.at_any_depth = rest.find('/') == std::string_view::npos;
  if (rest.starts_with('/'))
    rest.remove_prefix(1);
  if (rest.ends_with('/'))
    return useless(pattern, empty_part);
  do {
    const auto text = take_pattern_part(rest);
    if (text.empty() || text == "." || text == "..")
      return useless(pattern, empty_part);
    const bool stars = text.size() > 1 && text.find_first_not_of('*') == std::string::npos;
    if (stars && !out.at_any_depth) {
      out.parts.emplace_back();
      // At the end it stands for what is inside, so for one part at least.
      if (rest.empty())
        out.parts.push_back({{.means = token::kind::star}});
      continue;
    }
    auto compiled = compile_part(text, pattern);
    if (!compiled)
      return fail(std::move(compiled.error()));
    out.parts.push_back(*std::move(compiled));
  } while (!rest.empty());
  return out;
}

ignore_rules::ignore_rules(const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns)
    if (!pattern.starts_with('#'))
      if (auto compiled = compile(pattern))
        rules_.push_back(*std::move(compiled));
}

bool ignore_rules::fits(const rule& x, std::string_view path) {
  if (!x.at_any_depth)
    return fits_parts(x.parts, path);
  return fits_part(x.parts.front(), path.substr(path.rfind('/') + 1));
}

bool ignore_rules::decides_out(std::string_view path, bool is_folder) const {
  const auto last = std::find_if(rules_.rbegin(), rules_.rend(), [&](const rule& x) {
    return (is_folder || !x.folders_only) && fits(x, path);
  });
  return last != rules_.rend() && !last->takes_back;
}

bool ignore_rules::leaves_out(std::string_view path, bool is_folder) const {
  if (rules_.empty())
    return false;
  for (auto slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1))
    if (decides_out(path.substr(0, slash), true))
      return true;
  return decides_out(path, is_folder);
}

result<void> check_ignore_pattern(std::string_view pattern) {
  if (pattern.starts_with('#') && pattern.find('\n') == std::string_view::npos)
    return {};
  if (auto compiled = ignore_rules::compile(pattern); !compiled)
    return fail(std::move(compiled.error()));
  return {};
}

} // namespace maze::core
