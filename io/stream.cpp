#include "maze/io/stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <poll.h>
#include <sys/socket.h>

namespace maze::io {

using core::errc;

int poll_timeout(deadline until, deadline now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

bool wait_for(int fd, bool to_write, deadline until) {
  pollfd watched{.fd = fd, .events = static_cast<short>(to_write ? POLLOUT : POLLIN), .revents = 0};
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (until <= now)
      return false;
    const int ready = ::poll(&watched, 1, poll_timeout(until, now));
    // Other failures of poll show up in the read or write that follows.
    if (ready > 0 || (ready < 0 && errno != EINTR))
      return true;
  }
}

core::error stream::broken(const transfer& how) const {
  const auto who = fmt::format("{} ({})", to_string(peer_.who), peer_.address);
  auto what = how.number != 0 ? errno_error("the connection to " + who + " broke", how.number)
                              : openssl_error("the encrypted connection to " + who + " broke");
  what.code = errc::transfer_error;
  return what;
}

core::result<void> stream::wait(progress why, deadline until) {
  if (wait_for(bytes_.fd(), why == progress::wants_write, until))
    return {};
  return core::fail(
      errc::transfer_error,
      fmt::format("{} ({}) {} in time", to_string(peer_.who), peer_.address,
                  why == progress::wants_write ? "took no more bytes" : "sent nothing"));
}

core::result<std::size_t> stream::read_some(std::span<char> into, deadline until) {
  if (into.empty())
    return 0;
  for (;;) {
    const auto got = bytes_.read(into);
    if (got.state == progress::moved)
      return got.bytes;
    if (got.state == progress::ended)
      return 0;
    if (got.state == progress::broken)
      return core::fail(broken(got));
    if (auto ready = wait(got.state, until); !ready)
      return core::fail(ready.error());
  }
}

core::result<void> stream::read_all(std::span<char> into, deadline until) {
  while (!into.empty()) {
    const auto got = read_some(into, until);
    if (!got)
      return core::fail(got.error());
    if (*got == 0)
      return core::fail(errc::transfer_error,
                        fmt::format("{} ({}) closed the connection, {} bytes too early",
                                    to_string(peer_.who), peer_.address, into.size()));
    into = into.subspan(*got);
  }
  return {};
}

core::result<void> stream::write_all(std::span<const char> content, deadline until) {
  while (!content.empty()) {
    const auto sent = bytes_.write({content.data(), content.size()});
    if (sent.state == progress::moved)
      content = content.subspan(sent.bytes);
    else if (sent.state == progress::broken || sent.state == progress::ended)
      return core::fail(broken(sent));
    else if (auto ready = wait(sent.state, until); !ready)
      return ready;
  }
  return {};
}

core::result<void> stream::send_file(int file, std::uint64_t offset, std::uint64_t length,
                                     deadline until) {
  while (length > 0) {
    const auto sent = bytes_.write_file(file, offset, length);
    if (sent.state == progress::moved) {
      offset += sent.bytes;
      length -= sent.bytes;
    } else if (sent.state == progress::ended) {
      return core::fail(errc::transfer_error,
                        fmt::format("a file for {} ends at byte {}, {} bytes too early",
                                    to_string(peer_.who), offset, length));
    } else if (sent.state == progress::broken) {
      return core::fail(broken(sent));
    } else if (auto ready = wait(sent.state, until); !ready) {
      return ready;
    }
  }
  return {};
}

void stream::interrupt() noexcept { ::shutdown(bytes_.fd(), SHUT_RDWR); }

released_stream stream::release() noexcept {
  return {.fd = bytes_.release_fd(), .ssl = bytes_.release_ssl()};
}

} // namespace maze::io
