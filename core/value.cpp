#include "maze/core/value.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace maze::core {

std::string_view type_name(const value& x) noexcept {
  static constexpr std::array<std::string_view, std::variant_size_v<value::storage>> names{
      "null", "bool", "int", "float", "string", "bytes", "list", "dict", "blob", "object"};
  return names[x.data.index()];
}

std::string real_text(double x) {
  if (std::isnan(x))
    return "NaN";
  if (std::isinf(x))
    return x < 0 ? "-Infinity" : "Infinity";
  auto out = fmt::format("{}", x);
  if (out.find_first_of(".e") == std::string::npos)
    out += ".0";
  return out;
}

} // namespace maze::core
