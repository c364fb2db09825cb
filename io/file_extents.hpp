#pragma once

#include <cstdint>
#include <string_view>
#include <sys/types.h>

namespace maze::io {

/// A stretch of a file that may hold data. What lies between two of them is a hole, which reads as
/// zeros and takes no room.
struct extent {
  off_t begin = 0;
  off_t end = 0;

  friend bool operator==(const extent&, const extent&) = default;
};

/// The first stretch of data of `fd` at or after `offset`. When there is only a hole from there on,
/// both ends are the size of the file (or `offset`, if that is greater). Where the file system does
/// not tell, or where the size it tells need not be true (0), the stretch goes from `offset` to the
/// largest offset: whoever reads finds the end. Moves the descriptor's position.
extent next_extent(int fd, off_t offset);

/// 256 KiB of zeros that live as long as the program.
std::string_view zeros() noexcept;

} // namespace maze::io
