#include "maze/core/node_labels.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace maze::core {

result<void> check_labels(std::string_view whose, const node_labels& labels) {
  if (labels.size() > node_labels_max)
    return fail(errc::invalid_argument, fmt::format("{} has {} labels, {} are allowed", whose,
                                                    labels.size(), node_labels_max));
  for (const auto& [name, text] : labels)
    if (name.empty() || name.size() > label_bytes_max || text.size() > label_bytes_max)
      return fail(errc::invalid_argument,
                  fmt::format("{}, label '{}': a label has a name, and at most {} bytes on "
                              "either side",
                              whose, printable(name.substr(0, label_bytes_max)), label_bytes_max));
  return {};
}

node_labels with_name(node_labels labels, std::string_view name) {
  labels.insert_or_assign(std::string(name_label), std::string(name));
  return labels;
}

bool has_labels(const node_labels& has, const node_labels& asked) noexcept {
  return std::all_of(asked.begin(), asked.end(), [&](const auto& each) {
    const auto found = has.find(each.first);
    return found != has.end() && found->second == each.second;
  });
}

std::uint64_t label_bits(const node_labels& labels) noexcept {
  std::uint64_t out = 0;
  for (const auto& [name, text] : labels) {
    const auto hash = std::hash<std::string>{}(name)*31 + std::hash<std::string>{}(text);
    out |= std::uint64_t{1} << (hash % 64);
  }
  return out;
}

std::string to_string(const node_labels& labels) {
  std::string out;
  for (const auto& [name, text] : labels)
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", printable(name), printable(text));
  return out;
}

} // namespace maze::core
