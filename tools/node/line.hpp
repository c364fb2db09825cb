#pragma once

#include "node/progress.hpp"

#include <string>
#include <string_view>

namespace maze::node {

/// How a piece of text looks where colours are on.
enum class style : std::uint8_t { plain = 0, strong = 1, dim = 2, good = 3, bad = 4, busy = 5 };

/// `text` in the escape sequences of its style, or as it is without colours.
/// Source: ECMA-48, SGR: 1 bold, 2 faint, 31 red, 32 green, 33 yellow.
std::string paint(std::string_view text, style look, bool color);

/// One line of a screen, put together piece by piece and cut where the screen ends.
class line {
public:
  explicit line(const screen& on) : left_(on.width), color_(on.color) {}

  /// `piece` must be printable already.
  line& add(std::string_view piece, style look = style::plain);
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
  std::string text_;
  std::size_t left_;
  bool color_;
};

} // namespace maze::node
