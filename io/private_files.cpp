#include "maze/io/private_files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

using core::errc;

namespace {

core::result<void> check_private(int fd, const std::filesystem::path& path, std::string_view mode) {
  struct stat status {};
  if (::fstat(fd, &status) != 0)
    return core::fail(errno_error("fstat " + path.native(), errno));
  if (status.st_uid != ::geteuid() && status.st_uid != 0)
    return core::fail(errc::permission_denied,
                      fmt::format("{} belongs to user {}, not to user {}: it may have been "
                                  "planted; copy it as the right user or make a new one",
                                  path.native(), status.st_uid, ::geteuid()));
  if ((status.st_mode & 077) != 0)
    return core::fail(errc::permission_denied,
                      fmt::format("{} is private, but its mode {:04o} lets others in; run: "
                                  "chmod {} '{}'",
                                  path.native(), status.st_mode & 07777, mode, path.native()));
  return {};
}

} // namespace

core::result<unique_fd> open_private_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return core::fail(errno_error("create the folder " + path.native(), errno));
  unique_fd opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened)
    return core::fail(errno_error("open the folder " + path.native(), errno));
  if (auto fine = check_private(opened.get(), path, "700"); !fine)
    return core::fail(fine.error());
  return opened;
}

core::result<std::string> read_private(const std::filesystem::path& path, std::uint64_t size_max) {
  const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    const int number = errno;
    auto what = errno_error("open " + path.native(), number);
    if (number == ENOENT || number == ENOTDIR)
      what.code = errc::not_found;
    return core::fail(std::move(what));
  }
  if (auto fine = check_private(fd.get(), path, "600"); !fine)
    return core::fail(fine.error());
  auto text = read_all(fd.get(), size_max);
  if (!text)
    return core::fail(text.error().code,
                      fmt::format("{}: {}", path.native(), text.error().message));
  return text;
}

} // namespace maze::io
