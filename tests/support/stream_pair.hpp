#pragma once

#include "maze/io/socket_stream.hpp"

#include <memory>
#include <stdexcept>
#include <sys/socket.h>

namespace maze::test {

/// Two ends of one connection.
struct stream_pair {
  stream_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("socketpair failed");
    near = std::make_unique<io::socket_stream>(io::unique_fd(ends[0]));
    far = std::make_unique<io::socket_stream>(io::unique_fd(ends[1]));
  }

  std::unique_ptr<io::socket_stream> near;
  std::unique_ptr<io::socket_stream> far;
};

/// A deadline that no passing test reaches.
inline io::stream_deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

} // namespace maze::test
