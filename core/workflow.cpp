#include "maze/core/workflow.hpp"

#include "maze/core/utf8.hpp"

namespace maze::core {

namespace {

constexpr std::string_view any_parts = "**";

/// Takes one character off `text`: UTF-8 where it is well-formed, else a byte that equals no
/// character.
char32_t take_character(std::string_view& text) noexcept {
  const auto [code, length] = first_character(text);
  const auto raw = static_cast<unsigned char>(text.front());
  text.remove_prefix(length == 0 ? 1 : length);
  return length == 0 ? 0x110000U + raw : code;
}

/// The class `[…]` that `pattern` starts with, brackets included; empty where it is not closed.
std::string_view leading_class(std::string_view pattern) noexcept {
  const std::size_t first = pattern.starts_with("[!") ? 2 : 1;
  const auto close = pattern.find(']', first + 1);
  return close == std::string_view::npos ? std::string_view{} : pattern.substr(0, close + 1);
}

bool class_matches(std::string_view brackets, char32_t c) noexcept {
  auto body = brackets.substr(1, brackets.size() - 2);
  const bool inverted = body.front() == '!';
  if (inverted)
    body.remove_prefix(1);
  bool found = false;
  while (!body.empty()) {
    const auto low = take_character(body);
    auto high = low;
    if (body.size() >= 2 && body.front() == '-') {
      body.remove_prefix(1);
      high = take_character(body);
    }
    found = found || (low <= c && c <= high);
  }
  return found != inverted;
}

/// Matches one character of `text` against the head of `pattern` (not `*`), and takes both off.
bool take_match(std::string_view& pattern, std::string_view& text) noexcept {
  if (pattern.front() == '[') {
    if (const auto brackets = leading_class(pattern); !brackets.empty()) {
      pattern.remove_prefix(brackets.size());
      return class_matches(brackets, take_character(text));
    }
  }
  const auto wanted = take_character(pattern);
  return take_character(text) == wanted || wanted == '?';
}

/// Matches inside one part. Only the last star has to be tried again, so this takes at most
/// |pattern| x |text| steps.
bool part_matches(std::string_view pattern, std::string_view text) noexcept {
  bool starred = false;
  std::string_view pattern_again;
  std::string_view text_again;
  while (!text.empty()) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      starred = true;
      pattern_again = pattern;
      text_again = text;
      continue;
    }
    if (!pattern.empty() && take_match(pattern, text))
      continue;
    if (!starred)
      return false;
    take_character(text_again);
    pattern = pattern_again;
    text = text_again;
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

/// What is left of a path; distinguishes "no part left" from one empty part.
struct parts {
  std::string_view rest;
  bool ended = false;

  std::string_view take() noexcept {
    const auto slash = rest.find('/');
    const auto part = rest.substr(0, slash);
    ended = slash == std::string_view::npos;
    rest = ended ? std::string_view{} : rest.substr(slash + 1);
    return part;
  }
};

/// The same for whole parts, where `**` is the star.
bool parts_match(parts pattern, parts path) noexcept {
  bool starred = false;
  parts pattern_again;
  parts path_again;
  while (!path.ended) {
    if (!pattern.ended) {
      const auto wanted = pattern.take();
      if (wanted == any_parts) {
        starred = true;
        pattern_again = pattern;
        path_again = path;
        continue;
      }
      if (part_matches(wanted, path.take()))
        continue;
    }
    if (!starred)
      return false;
    path_again.take();
    pattern = pattern_again;
    path = path_again;
  }
  while (!pattern.ended)
    if (pattern.take() != any_parts)
      return false;
  return true;
}

} // namespace

bool glob_match(std::string_view pattern, std::string_view path) noexcept {
  if (parts_match({pattern}, {path}))
    return true;
  const auto slash = path.rfind('/');
  return pattern.find('/') == std::string_view::npos && slash != std::string_view::npos
         && part_matches(pattern, path.substr(slash + 1));
}

bool any_glob_covers(const std::vector<std::string>& globs, std::string_view path) noexcept {
  const auto fits = [&](const std::string& glob) { return glob_match(glob, path); };
  for (; !globs.empty(); path = path.substr(0, path.rfind('/'))) {
    if (std::any_of(globs.begin(), globs.end(), fits))
      return true;
    if (path.find('/') == std::string_view::npos)
      break;
  }
  return false;
}

} // namespace maze::core
