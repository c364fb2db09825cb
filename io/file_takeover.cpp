#include "maze/io/file_takeover.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace maze::io {

namespace {

/// Whether no descriptor and no shared mapping can write to the file: the kernel grants a read lease
/// only then. Source: fcntl(2), "Leases".
bool has_no_writer(int fd) {
  // A lease that is broken while we hold it signals us: SIGURG is ignored by default, SIGIO kills.
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0 || ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
    return false;
  ::fcntl(fd, F_SETLEASE, F_UNLCK);
  return true;
}

bool strip_attributes(int fd) {
  std::array<char, 4096> names{};
  const auto length = ::flistxattr(fd, names.data(), names.size());
  if (length < 0)
    return errno == EOPNOTSUPP;
  for (ssize_t at = 0; at < length;) {
    const std::string name(names.data() + at);
    if (::fremovexattr(fd, name.c_str()) != 0 && errno != ENODATA)
      return false;
    at += static_cast<ssize_t>(name.size()) + 1;
  }
  return true;
}

} // namespace

bool take_over(int fd, mode_t mode) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return false;
  const bool ours = status.st_uid == ::geteuid() && status.st_gid == ::getegid();
  if (!ours && ::fchown(fd, ::geteuid(), ::getegid()) != 0)
    return false;
  if (::fchmod(fd, mode) != 0 || !strip_attributes(fd) || !has_no_writer(fd))
    return false;
  return ::fstat(fd, &status) == 0 && status.st_nlink == 1;
}

} // namespace maze::io
