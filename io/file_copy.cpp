#include "maze/io/file_copy.hpp"

#include "maze/io/file_extents.hpp"
#include "maze/io/files.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <linux/fs.h>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace maze::io {

namespace {

constexpr off_t chunk_size = off_t{1} << 20;

// What copy_file_range says where it cannot help, but plain reading can. Source: copy_file_range(2).
bool needs_plain_copy(int number) {
  return number == EXDEV || number == EINVAL || number == ENOSYS || number == EOPNOTSUPP
         || number == EPERM;
}

core::result<void> write_at(int fd, std::string_view bytes, off_t offset) {
  while (!bytes.empty()) {
    const auto count = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno != EINTR)
      return core::fail(errno_error("write", errno));
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    offset += std::max<ssize_t>(count, 0);
  }
  return {};
}

/// The bytes of `source` from `part.begin` to `part.end` or the end of the file, whichever is first.
core::result<void> copy_through_memory(int source, int target, extent part,
                                       const std::stop_token& stop) {
  std::vector<char> buffer(chunk_size);
  while (part.begin < part.end) {
    if (stop.stop_requested())
      return core::fail(stopped());
    const auto wanted = std::min<off_t>(chunk_size, part.end - part.begin);
    const auto got = ::pread(source, buffer.data(), static_cast<std::size_t>(wanted), part.begin);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return core::fail(errno_error("read", errno));
    if (got == 0)
      return {};
    if (auto done = write_at(target, {buffer.data(), static_cast<std::size_t>(got)}, part.begin);
        !done)
      return done;
    part.begin += got;
  }
  return {};
}

core::result<void> copy_extent(int source, int target, extent part, const std::stop_token& stop) {
  off_t to = part.begin;
  while (part.begin < part.end) {
    if (stop.stop_requested())
      return core::fail(stopped());
    const auto wanted = std::min<off_t>(chunk_size, part.end - part.begin);
    const auto copied =
        ::copy_file_range(source, &part.begin, target, &to, static_cast<std::size_t>(wanted), 0);
    if (copied > 0 || (copied < 0 && errno == EINTR))
      continue;
    // 0 may be the end, or a file of /proc that tells no size: plain reading finds out.
    if (copied == 0 || needs_plain_copy(errno))
      return copy_through_memory(source, target, part, stop);
    return core::fail(errno_error("copy", errno));
  }
  return {};
}

} // namespace

core::result<void> copy_content(int source, int target, const std::stop_token& stop) {
  if (::ioctl(target, FICLONE, source) == 0)
    return {};
  for (extent part = next_extent(source, 0);; part = next_extent(source, part.end)) {
    if (part.begin == part.end) {
      // What lies behind the last data is a hole, too.
      if (::ftruncate(target, part.end) != 0)
        return core::fail(errno_error("set the size of a copy", errno));
      return {};
    }
    if (auto done = copy_extent(source, target, part, stop); !done)
      return done;
    if (part.end == std::numeric_limits<off_t>::max())
      return {};
  }
}

} // namespace maze::io
