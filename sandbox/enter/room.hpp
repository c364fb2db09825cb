#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace maze::sandbox::enter {

/// What one task of a container that stays has for itself.
struct room {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  int output = -1;
  int error = -1;
  /// A detached mount of its folder; -1: none.
  int folder = -1;
  /// Where that is shown: below `folders`.
  std::string path;
  std::string folders;
  /// Bytes of /tmp.
  unsigned long long temporary = 0;
  /// What the container shows below /tmp and /dev/shm, and the task sees there, too.
  std::span<const std::string> shown;
  /// What it inherits, from 3 on. Their numbers are in ascending order, and no descriptor that is needed later lies below them.
  std::span<const int> inherited;
};

/// In the task's process: moves it into its room for good.
/// @return the step that failed, with errno set, or null
const char* move_into(const room& x);

} // namespace maze::sandbox::enter
