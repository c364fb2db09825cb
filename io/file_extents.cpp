#include "maze/io/file_extents.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

extent next_extent(int fd, off_t offset) {
  const extent unknown{offset, std::numeric_limits<off_t>::max()};
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
    return unknown;
  const off_t data = ::lseek(fd, offset, SEEK_DATA);
  if (data < 0 && errno == ENXIO) {
    const off_t end = std::max(::lseek(fd, 0, SEEK_END), offset);
    return {end, end};
  }
  const off_t hole = data < 0 ? -1 : ::lseek(fd, data, SEEK_HOLE);
  return hole <= data ? unknown : extent{data, hole};
}

std::string_view zeros() noexcept {
  static constexpr std::array<char, std::size_t{256} << 10> block{};
  return {block.data(), block.size()};
}

} // namespace maze::io
