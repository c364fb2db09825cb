#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace maze::io {

/// Owns one file descriptor; -1 means none.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other)
      reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~unique_fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes what is owned and owns `fd` from now on.
  void reset(int fd = -1) noexcept;

private:
  int fd_ = -1;
};

/// `io_error` with "<what>: <text of errno> (errno N)"; `resource_exhausted` for ENOSPC, EDQUOT,
/// EMFILE, ENFILE and ENOMEM.
core::error errno_error(std::string_view what, int number);

/// `cancelled`: work on a file was given up because a stop token asked for it.
core::error stopped();

/// Writes all of `content` at the descriptor's position.
core::result<void> write_all(int fd, std::string_view content);
/// The content from offset 0 to the end, wherever the descriptor's position is; `limit_exceeded`
/// beyond `size_max` bytes. The size may change meanwhile.
core::result<std::string> read_all(int fd, std::uint64_t size_max);

/// The whole content of a regular file; `not_found` where there is none, `limit_exceeded` beyond `size_max` bytes.
core::result<std::string> read_file(const std::filesystem::path& path, std::uint64_t size_max);
/// Writes a temporary file beside `path`, then renames it over `path`: readers see the old or the new
/// content, never a part. With `durable` both file and folder are synced.
core::result<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                std::uint32_t mode = 0644, bool durable = false);

} // namespace maze::io
