#include "maze/io/socket_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

namespace maze::io {

namespace {

// What one sendfile(2) is asked for: the deadline is looked at in between.
constexpr std::uint64_t send_size_max = std::uint64_t{4} << 20;

tl::unexpected<core::error> broken(std::string_view call, int number) {
  return core::fail(core::errc::transfer_error, errno_error(call, number).message);
}

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

/// sendfile(2) raises SIGPIPE where the peer has gone and knows no MSG_NOSIGNAL: while this lives,
/// the signal stays away from this thread.
class no_sigpipe {
public:
  no_sigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t waiting;
    sigemptyset(&waiting);
    ::sigpending(&waiting);
    was_waiting_ = sigismember(&waiting, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  no_sigpipe(const no_sigpipe&) = delete;
  no_sigpipe& operator=(const no_sigpipe&) = delete;
  ~no_sigpipe() {
    const timespec at_once{};
    if (!was_waiting_)
      while (::sigtimedwait(&pipe_, nullptr, &at_once) == -1 && errno == EINTR) {
      }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_waiting_ = false;
};

} // namespace

socket_stream::socket_stream(unique_fd socket) : socket_(std::move(socket)) {
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

core::result<void> socket_stream::wait_for(short events, stream_deadline until) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return core::fail(core::errc::transfer_error, events == POLLIN
                                                        ? "the peer sent nothing in time"
                                                        : "the peer took nothing in time");
    pollfd wanted{.fd = socket_.get(), .events = events, .revents = 0};
    const int ready =
        ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1 << 30)));
    if (ready > 0)
      return {};
    if (ready < 0 && errno != EINTR)
      return broken("poll", errno);
  }
}

core::result<std::size_t> socket_stream::read_some(std::span<char> room, stream_deadline until) {
  for (;;) {
    const auto got = ::recv(socket_.get(), room.data(), room.size(), 0);
    if (got >= 0)
      return static_cast<std::size_t>(got);
    if (errno == EINTR)
      continue;
    if (!would_block(errno))
      return broken("recv", errno);
    if (auto ready = wait_for(POLLIN, until); !ready)
      return core::fail(ready.error());
  }
}

core::result<void> socket_stream::write_all(std::string_view bytes, stream_deadline until) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR)
      continue;
    if (!would_block(errno))
      return broken("send", errno);
    if (auto ready = wait_for(POLLOUT, until); !ready)
      return ready;
  }
  return {};
}

core::result<void> socket_stream::send_file(int file, std::uint64_t offset, std::uint64_t length,
                                            stream_deadline until) {
  const no_sigpipe guarded;
  auto at = static_cast<off_t>(offset);
  while (length > 0) {
    const auto sent = ::sendfile(socket_.get(), file, &at,
                                 static_cast<std::size_t>(std::min(length, send_size_max)));
    if (sent > 0) {
      length -= static_cast<std::uint64_t>(sent);
      continue;
    }
    if (sent == 0)
      return core::fail(core::errc::transfer_error,
                        fmt::format("the file ended {} bytes before its size", length));
    if (errno == EINTR)
      continue;
    if (!would_block(errno))
      return broken("sendfile", errno);
    if (auto ready = wait_for(POLLOUT, until); !ready)
      return ready;
  }
  return {};
}

void socket_stream::shut_down() noexcept { ::shutdown(socket_.get(), SHUT_RDWR); }

} // namespace maze::io
