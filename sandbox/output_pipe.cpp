#include "maze/sandbox/output_pipe.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace maze::sandbox {
namespace {

/// As much as a pipe holds by default.
constexpr std::size_t chunk = std::size_t{64} << 10;
/// After so much from one child the others get their turn.
constexpr std::size_t turn_max = 16 * chunk;

} // namespace

output_pipe::output_pipe(boost::asio::io_context& context, io::unique_fd read_end,
                         capture_limits limits)
    : unwatched_(std::move(read_end)), stream_(context), sink_(std::move(limits)) {}

void output_pipe::watch() {
  const std::lock_guard lock(mutex_);
  if (!unwatched_)
    return;
  const int flags = ::fcntl(unwatched_.get(), F_GETFL);
  ::fcntl(unwatched_.get(), F_SETFL, flags | O_NONBLOCK);
  stream_.assign(unwatched_.release());
  wait();
}

void output_pipe::wait() {
  stream_.async_wait(stream_.wait_read,
                     [self = shared_from_this()](const boost::system::error_code& failed) {
                       if (!failed)
                         self->readable();
                     });
}

void output_pipe::readable() {
  const std::lock_guard lock(mutex_);
  for (std::size_t taken = 0; stream_.is_open() && taken < turn_max;) {
    const auto count = read_some(stream_.native_handle(), chunk);
    taken += count;
    if (count == 0)
      break;
  }
  if (stream_.is_open())
    wait();
}

std::size_t output_pipe::read_some(int fd, std::size_t size_max) {
  std::array<char, chunk> buffer;
  const auto count = ::read(fd, buffer.data(), std::min(size_max, buffer.size()));
  if (count > 0) {
    sink_.append({buffer.data(), static_cast<std::size_t>(count)});
    return static_cast<std::size_t>(count);
  }
  if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    boost::system::error_code ignored;
    stream_.close(ignored);
  }
  return 0;
}

std::string output_pipe::peek(std::uint64_t offset, std::size_t size_max) {
  const std::lock_guard lock(mutex_);
  return sink_.peek(offset, size_max);
}

captured_output output_pipe::finish() {
  const std::lock_guard lock(mutex_);
  const int fd = stream_.is_open() ? stream_.native_handle() : unwatched_.get();
  // Asked first, because a pipe that is not watched blocks its reader when it is empty.
  int waiting = 0;
  if (fd >= 0)
    ::ioctl(fd, FIONREAD, &waiting);
  for (auto left = static_cast<std::size_t>(std::max(waiting, 0)); left > 0;) {
    const auto count = read_some(fd, left);
    if (count == 0)
      break;
    left -= count;
  }
  boost::system::error_code ignored;
  stream_.close(ignored);
  unwatched_.reset();
  return sink_.finish();
}

} // namespace maze::sandbox
