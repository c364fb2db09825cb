#include "maze/core/permission_list.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {

std::string to_list(permission_set x) {
  if (x == permission_set::all())
    return "all";
  if (x.empty())
    return "none";
  std::string out;
  for (const permission each : all_permissions())
    if (x.has(each))
      out += (out.empty() ? "" : ",") + std::string(to_string(each));
  return out;
}

result<permission_set> permissions_from_list(std::string_view text) {
  if (text == "all")
    return permission_set::all();
  permission_set out;
  if (text == "none")
    return out;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    auto word = text.substr(start, end - start);
    // People write a blank behind a comma.
    word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
    const auto one = permission_from_string(word);
    if (!one)
      return fail(errc::invalid_argument,
                  fmt::format("'{}' is not a permission: {}; or all, or none",
                              printable(word.substr(0, 64)), to_string(permission_set::all())));
    out.add(*one);
    start = end + 1;
  }
  return out;
}

permission_set both(permission_set a, permission_set b) noexcept { return a.without(a.without(b)); }

} // namespace maze::core
