#include "maze/io/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace {

bool is_exhaustion(int number) {
  switch (number) {
  case ENOSPC:
  case EDQUOT:
  case EMFILE:
  case ENFILE:
  case ENOMEM:
    return true;
  default:
    return false;
  }
}

std::string errno_text(int number) {
  char buffer[256];
  return strerror_r(number, buffer, sizeof buffer);
}

core::error at(std::string_view call, const std::filesystem::path& path, int number) {
  return errno_error(fmt::format("{} {}", call, path.native()), number);
}

struct replacement {
  const std::filesystem::path& path;
  std::string_view content;
  std::uint32_t mode;
  bool durable;
};

core::result<void> fill_and_rename(int fd, const std::string& temporary,
                                   const replacement& wanted) {
  if (auto done = write_all(fd, wanted.content); !done)
    return core::fail(
        core::error{.code = done.error().code,
                    .message = fmt::format("{}: {}", wanted.path.native(), done.error().message)});
  // Not left to the umask: the caller said which mode it wants.
  if (::fchmod(fd, wanted.mode & 07777) != 0)
    return core::fail(at("chmod", temporary, errno));
  if (wanted.durable && ::fsync(fd) != 0)
    return core::fail(at("fsync", temporary, errno));
  if (::rename(temporary.c_str(), wanted.path.c_str()) != 0)
    return core::fail(at("rename to", wanted.path, errno));
  return {};
}

core::result<void> sync_parent(const std::filesystem::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const unique_fd folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder)
    return core::fail(at("open", parent, errno));
  if (::fsync(folder.get()) != 0)
    return core::fail(at("fsync", parent, errno));
  return {};
}

} // namespace

void unique_fd::reset(int fd) noexcept {
  // Linux closes the descriptor even when close() reports EINTR: never close twice.
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = fd;
}

core::error errno_error(std::string_view what, int number) {
  return core::error{.code = is_exhaustion(number) ? core::errc::resource_exhausted
                                                   : core::errc::io_error,
                     .message = fmt::format("{}: {} (errno {})", what, errno_text(number), number)};
}

core::error stopped() {
  return {.code = core::errc::cancelled, .message = "stopped before all was read"};
}

core::result<void> write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return core::fail(errno_error("write", errno));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

core::result<std::string> read_all(int fd, std::uint64_t size_max) {
  struct stat status {};
  if (::fstat(fd, &status) != 0)
    return core::fail(errno_error("fstat", errno));
  std::string content;
  std::size_t length = 0;
  // The size is a guess only (it may change, and /proc says 0): read until the end.
  const auto guess = static_cast<std::uint64_t>(status.st_size < 0 ? 0 : status.st_size);
  content.resize(static_cast<std::size_t>(std::min(guess, size_max)) + 1);
  for (;;) {
    const auto got =
        ::pread(fd, content.data() + length, content.size() - length, static_cast<off_t>(length));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return core::fail(errno_error("read", errno));
    length += static_cast<std::size_t>(got);
    if (length > size_max)
      return core::fail(core::errc::limit_exceeded,
                        fmt::format("the file is larger than {} bytes", size_max));
    if (got == 0)
      break;
    if (length == content.size())
      content.resize(content.size() * 2 + 4096);
  }
  content.resize(length);
  return content;
}

core::result<std::string> read_file(const std::filesystem::path& path, std::uint64_t size_max) {
  // O_NONBLOCK: a fifo in the place of the file must not hang the caller.
  const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    const int number = errno;
    auto what = at("open", path, number);
    if (number == ENOENT || number == ENOTDIR)
      what.code = core::errc::not_found;
    return core::fail(std::move(what));
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    return core::fail(at("fstat", path, errno));
  if (!S_ISREG(status.st_mode))
    return core::fail(core::errc::invalid_argument,
                      fmt::format("{} is not a regular file", path.native()));
  auto content = read_all(fd.get(), size_max);
  if (!content)
    return core::fail(content.error().code,
                      fmt::format("{}: {}", path.native(), content.error().message));
  return content;
}

core::result<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                std::uint32_t mode, bool durable) {
  // A short name of its own: the target's name may already be as long as a name can be.
  auto temporary = (path.parent_path() / ".maze-XXXXXX").native();
  unique_fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd)
    return core::fail(at("create a temporary file beside", path, errno));
  auto done = fill_and_rename(fd.get(), temporary,
                              {.path = path, .content = content, .mode = mode, .durable = durable});
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return durable ? sync_parent(path) : done;
}

} // namespace maze::io
