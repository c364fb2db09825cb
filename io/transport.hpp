#pragma once

#include "maze/io/files.hpp"
#include "maze/io/openssl.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace maze::io {

/// How far one attempt to move bytes got.
enum class progress : std::uint8_t {
  moved = 1,
  /// Nothing moved; try again when the socket can be read.
  wants_read = 2,
  wants_write = 3,
  /// The peer closed the stream in order.
  ended = 4,
  /// The connection broke; errno says how unless TLS did it.
  broken = 5,
};

struct transfer {
  progress state = progress::broken;
  std::size_t bytes = 0;
  /// For `broken`: errno, or 0 when TLS failed.
  int number = 0;
};

/// A non-blocking socket, plain or under TLS: what streams and handshakes are made of. No call waits.
///
/// @note Not thread-safe: under TLS reading and writing change the same state.
class transport {
public:
  transport() = default;
  /// `fd` must be non-blocking; `ssl` is empty for a plain socket, or a session over `fd`.
  transport(unique_fd fd, ssl_ptr ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}
  transport(transport&&) = default;
  transport& operator=(transport&&) = default;
  ~transport();

  /// The TLS handshake: `moved` when it is complete. At once for a plain socket.
  transfer shake_hands();
  transfer read(std::span<char> into);
  transfer write(std::string_view content);
  /// At most 1 MiB of `file` from `offset`; `ended` where the file ends. Plain sockets send without
  /// a copy through this process.
  transfer write_file(int file, std::uint64_t offset, std::uint64_t length);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }
  [[nodiscard]] unique_fd release_fd() noexcept { return std::move(fd_); }
  [[nodiscard]] ssl_ptr release_ssl() noexcept { return std::move(ssl_); }

private:
  transfer outcome(int returned, std::size_t bytes);

  unique_fd fd_;
  // After fd_: it goes first.
  ssl_ptr ssl_;
  /// OpenSSL forbids a shutdown after a fatal error.
  bool failed_ = false;
};

} // namespace maze::io
