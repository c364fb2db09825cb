#pragma once

#include <cstdint>

/// How the node and a watched child share which folders are watched: a file in memory with this header, then for each folder
/// the number of its watch (`std::int32_t`), then their names one after the other, each with a NUL behind it. The node
/// writes all of it but the numbers, which the child fills in before its program begins.
namespace maze::sandbox::protocol {

struct watch_header {
  std::uint32_t folders = 0;
  /// Why the first folder that is not watched is not; set by the child.
  std::int32_t error_number = 0;
};

/// Number of a folder that is not watched: the kernel counts from 1.
inline constexpr std::int32_t unwatched = 0;

} // namespace maze::sandbox::protocol
