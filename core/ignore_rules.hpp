#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maze::core {

/// Patterns with the meaning that they have as lines of a .gitignore file in the top folder.
///
/// Of the patterns that fit a path the last one decides; `!` in front takes back what earlier ones left
/// out, but nothing inside a folder that is left out. `*`, `?` and `[…]` are matched by character
/// where text is UTF-8 (git goes by byte there).
/// Source: gitignore(5), "Pattern format"; wildmatch.c of git 2.39.
class ignore_rules {
public:
  ignore_rules() = default;
  /// Patterns that cannot fit anything, comments and blank ones have no effect.
  explicit ignore_rules(const std::vector<std::string>& patterns);

  /// Whether `path` (relative, `/` between its parts), or a folder above it, is left out.
  /// @note Costs a comparison for each pattern and part of the path.
  [[nodiscard]] bool leaves_out(std::string_view path, bool is_folder) const;
  /// Whether there is no pattern that could fit anything.
  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }

  /// One element of a part of a pattern: it stands for one character, `star` for any number of them.
  struct token {
    enum class kind : std::uint8_t { character, any, star, set };
    kind means = kind::character;
    char32_t character = 0;
    bool inverted = false;
    /// Of a set: first and last character of each range.
    std::vector<std::pair<char32_t, char32_t>> ranges;
  };
  /// What one part of a path must look like; nothing: any number of parts.
  using part = std::vector<token>;

private:
  struct rule {
    std::vector<part> parts;
    /// Tried against the last part of a path alone.
    bool at_any_depth = false;
    bool folders_only = false;
    bool takes_back = false;
  };

  [[nodiscard]] static bool fits(const rule& x, std::string_view path);
  /// What the last rule that fits says of `path` itself.
  [[nodiscard]] bool decides_out(std::string_view path, bool is_folder) const;
  friend result<void> check_ignore_pattern(std::string_view pattern);
  static result<rule> compile(std::string_view pattern);

  std::vector<rule> rules_;
};

/// Fails with `invalid_argument` where a pattern could not fit anything: it is blank, names a parent
/// folder, has a line break, or ends inside `[…]` or behind a backslash. A comment is fine.
result<void> check_ignore_pattern(std::string_view pattern);

} // namespace maze::core
