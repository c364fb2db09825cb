#include "host/reply_buffer.hpp"

#include "maze/core/codec.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace maze::host {

namespace {

/// Room for what a full batch of small replies takes, so that adding allocates nothing.
constexpr std::size_t front_room = 64 * 1024;
constexpr std::size_t payload_room = 512 * 1024;
/// What a large result made the buffer grow to is given back.
constexpr std::size_t payload_keep = 4 * 1024 * 1024;

template <class T>
void put(char* at, T x) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    at[i] = static_cast<char>(static_cast<unsigned char>(x >> (8 * i)));
}

/// Sends to a socket without SIGPIPE, writes to anything else.
ssize_t write_some(int fd, iovec* parts, std::size_t count) noexcept {
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  if (sent < 0 && errno == ENOTSOCK)
    return ::writev(fd, parts, static_cast<int>(count));
  return sent;
}

bool write_parts(int fd, std::array<iovec, 2> parts) noexcept {
  std::size_t first = 0;
  while (first < parts.size()) {
    if (parts[first].iov_len == 0) {
      ++first;
      continue;
    }
    const ssize_t done = write_some(fd, parts.data() + first, parts.size() - first);
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return false;
    auto left = static_cast<std::size_t>(done);
    for (auto i = first; i < parts.size(); ++i) {
      const std::size_t taken = left < parts[i].iov_len ? left : parts[i].iov_len;
      parts[i].iov_base = static_cast<char*>(parts[i].iov_base) + taken;
      parts[i].iov_len -= taken;
      left -= taken;
    }
  }
  return true;
}

iovec part(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

} // namespace

bool write_message(int fd, std::string_view message) noexcept {
  return write_parts(fd, {part(message), part({})});
}

reply_buffer::reply_buffer(int fd) : fd_(fd), front_(core::call_header_size, '\0') {
  front_.reserve(front_room);
  payloads_.reserve(payload_room);
}

void reply_buffer::add(std::uint64_t number, core::call_outcome outcome, std::string_view payload) {
  std::string refusal;
  const std::size_t rest = core::call_message_max - front_.size() - core::call_entry_size;
  if (payloads_.size() > rest || payload.size() > rest - payloads_.size()) {
    refusal = core::to_binary(
        core::error{.code = core::errc::limit_exceeded,
                    .message = "the results of these calls are too large for one message"});
    payload = refusal;
    outcome = core::call_outcome::failed;
  }
  touched_ = true;
  if (count_ == 0 && payloads_.capacity() > payload_keep) {
    payloads_.shrink_to_fit();
    payloads_.reserve(payload_room);
  }
  char entry[core::call_entry_size];
  put(entry, number);
  put(entry + 8, static_cast<std::uint32_t>(outcome));
  put(entry + 12, static_cast<std::uint32_t>(payload.size()));
  front_.append(entry, sizeof entry);
  payloads_.append(payload);
  ++count_;
  touched_ = false;
}

bool reply_buffer::flush() noexcept { return touched_ || count_ == 0 || write_all(); }

bool reply_buffer::write_all() noexcept {
  touched_ = true;
  char* at = front_.data();
  put(at, core::call_magic);
  put(at + 4, static_cast<std::uint16_t>(core::call_kind::replies));
  put(at + 6, std::uint16_t{0});
  put(at + 8, count_);
  put(at + 12,
      static_cast<std::uint32_t>(front_.size() - core::call_header_size + payloads_.size()));
  put(at + 16, busy_ns_);
  const bool written = write_parts(fd_, {part(front_), part(payloads_)});
  front_.resize(core::call_header_size);
  payloads_.clear();
  count_ = 0;
  busy_ns_ = 0;
  touched_ = false;
  return written;
}

} // namespace maze::host
