#include "node/line.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

namespace maze::node {

std::string paint(std::string_view text, style look, bool color) {
  if (!color || look == style::plain || text.empty())
    return std::string(text);
  const int code = look == style::strong ? 1
                   : look == style::dim  ? 2
                   : look == style::good ? 32
                   : look == style::bad  ? 31
                                         : 33;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

line& line::add(std::string_view piece, style look) {
  const auto shown = core::fit(piece, left_);
  // A cut ends the line: nothing shorter may follow what was left out.
  left_ = shown == piece ? left_ - core::columns(shown) : 0;
  text_ += paint(shown, look, color_);
  return *this;
}

} // namespace maze::node
