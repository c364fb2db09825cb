#include "maze/io/file_copy.hpp"

#include "maze/io/files.hpp"

#include <cerrno>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace maze::io {

namespace {

constexpr std::size_t chunk_size = std::size_t{1} << 20;

// What copy_file_range says where it cannot help, but plain reading can. Source: copy_file_range(2).
bool needs_plain_copy(int number) {
  return number == EXDEV || number == EINVAL || number == ENOSYS || number == EOPNOTSUPP
         || number == EPERM;
}

core::result<void> copy_through_memory(int source, int target, off_t offset) {
  std::vector<char> buffer(chunk_size);
  for (;;) {
    const auto got = ::pread(source, buffer.data(), buffer.size(), offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return core::fail(errno_error("read", errno));
    if (got == 0)
      return {};
    if (auto done = write_all(target, {buffer.data(), static_cast<std::size_t>(got)}); !done)
      return done;
    offset += got;
  }
}

} // namespace

core::result<void> copy_content(int source, int target) {
  if (::ioctl(target, FICLONE, source) == 0)
    return {};
  off_t offset = 0;
  for (;;) {
    const auto copied = ::copy_file_range(source, &offset, target, nullptr, chunk_size, 0);
    if (copied > 0 || (copied < 0 && errno == EINTR))
      continue;
    // 0 may be the end, or a file of /proc that tells no size: plain reading finds out.
    if (copied == 0 || needs_plain_copy(errno))
      return copy_through_memory(source, target, offset);
    return core::fail(errno_error("copy", errno));
  }
}

} // namespace maze::io
