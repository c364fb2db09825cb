#include "maze/core/sandbox_parts.hpp"

#include <algorithm>
#include <array>

namespace maze::core {

namespace {

/// In the order of their bits.
constexpr std::array<std::string_view, 22> part_names{
    "level",     "timeout",   "cpu_time",   "memory",      "cpu_share", "address_space",
    "file_size", "disk",      "open_files", "processes",   "network",   "allow_filesystem",
    "readable",  "writable",  "syscalls",   "environment", "imports",   "degrade",
    "image",     "temporary", "reuse",      "violation"};

} // namespace

std::string_view to_string(sandbox_part x) noexcept {
  const auto at = static_cast<std::size_t>(x);
  return at < part_names.size() ? part_names[at] : "unknown";
}

std::optional<sandbox_part> sandbox_part_from_string(std::string_view name) noexcept {
  const auto* const found = std::find(part_names.begin(), part_names.end(), name);
  if (found == part_names.end())
    return std::nullopt;
  return static_cast<sandbox_part>(found - part_names.begin());
}

} // namespace maze::core
