#pragma once

#include "maze/io/endpoint.hpp"
#include "maze/io/files.hpp"
#include "maze/io/socket_address.hpp"
#include "maze/io/stream.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace maze::test {

/// Long enough that only a hanging test meets it.
inline io::deadline patience() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(60);
}

/// Two connected, non-blocking UNIX sockets.
inline std::pair<io::unique_fd, io::unique_fd> socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    throw std::runtime_error("socketpair failed");
  return {io::unique_fd(ends[0]), io::unique_fd(ends[1])};
}

/// A bare, non-blocking connection that says nothing by itself; for TCP from the address `source`.
inline io::unique_fd dial(const io::endpoint& to, const std::string& source = {}) {
  const auto where = io::resolve(to, false, patience());
  if (!where)
    throw std::runtime_error(core::describe(where.error()));
  io::unique_fd fd(::socket(where->front().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!source.empty()) {
    const auto from = io::resolve(io::tcp_endpoint{.host = source, .port = 0}, false, patience());
    if (::bind(fd.get(), from->front().data(), from->front().length) != 0)
      throw std::runtime_error("bind failed");
  }
  if (::connect(fd.get(), where->front().data(), where->front().length) != 0)
    throw std::runtime_error("connect failed, errno " + std::to_string(errno));
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

/// Writes as much as the other end takes; it may be gone.
inline void push(int fd, std::string_view bytes) {
  static_cast<void>(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

/// What arrives until the other end closes or breaks the connection.
inline std::string drain(int fd) {
  std::string all;
  std::array<char, 4096> piece{};
  while (io::wait_for(fd, false, patience())) {
    const auto got = ::recv(fd, piece.data(), piece.size(), 0);
    if (got <= 0)
      return all;
    all.append(piece.data(), static_cast<std::size_t>(got));
  }
  throw std::runtime_error("the other end neither spoke nor closed");
}

} // namespace maze::test
