#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/// What the processes of relay_floor pass to each other: records of fixed size over UNIX stream sockets.
namespace floor_of_calls {

/// Client to master: the argument of the call grows by the result of each task that it needs.
struct submission {
  std::uint32_t task = 0;
  std::uint32_t needed = 0;
  std::array<std::uint32_t, 4> needs{};
  std::uint64_t argument = 0;
};

/// To the child with the argument, and all the way back with the result.
struct call {
  std::uint64_t task = 0;
  std::uint64_t value = 0;
};

[[noreturn]] inline void give_up(const char* step) {
  std::fprintf(stderr, "relay_floor: %s: %s\n", step, std::strerror(errno));
  std::_Exit(1);
}

/// One end of a socket. Reading and writing never wait: what the socket does not take stays here.
class stream {
public:
  explicit stream(int fd) : fd_(fd), in_(std::size_t{256} << 10, '\0') {}

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool has_output() const noexcept { return sent_ < out_.size(); }

  void put(const void* bytes, std::size_t size) {
    out_.append(static_cast<const char*>(bytes), size);
  }

  void flush() {
    while (has_output()) {
      const auto size =
          send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (size < 0 && errno == EAGAIN)
        return;
      if (size < 0)
        give_up("send");
      sent_ += static_cast<std::size_t>(size);
    }
    out_.clear();
    sent_ = 0;
  }

  /// Reads what is there, at most 256 KiB. @returns false at the end of the stream.
  bool fill() {
    const auto size = recv(fd_, in_.data() + filled_, in_.size() - filled_, MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN)
      give_up("recv");
    filled_ += size > 0 ? static_cast<std::size_t>(size) : 0;
    return size != 0;
  }

  /// Calls `visit` for each whole record that was read, and drops it.
  template <class Record>
  void each(const auto& visit) {
    std::size_t at = 0;
    for (; at + sizeof(Record) <= filled_; at += sizeof(Record)) {
      Record record;
      std::memcpy(&record, in_.data() + at, sizeof record);
      visit(record);
    }
    std::memmove(in_.data(), in_.data() + at, filled_ - at);
    filled_ -= at;
  }

  /// Hands all bytes that were read to `other`, whatever they are.
  void pass_to(stream& other) {
    other.put(in_.data(), filled_);
    filled_ = 0;
  }

private:
  int fd_;
  std::string in_;
  std::size_t filled_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
};

/// Waits for one or two streams.
class poller {
public:
  poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0)
      give_up("epoll_create1");
  }
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;
  ~poller() { close(epoll_); }

  void add(stream& x) { control(EPOLL_CTL_ADD, x, EPOLLIN); }

  /// Sends what `x` holds; the next wait also ends when the socket takes more.
  void flush(stream& x) {
    const bool waited = x.has_output();
    x.flush();
    if (x.has_output() || waited)
      control(EPOLL_CTL_MOD, x, x.has_output() ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  /// Calls `visit(stream&)` for each stream that has input, or an end.
  void wait(const auto& visit) {
    std::array<epoll_event, 2> events{};
    int count = 0;
    while ((count = epoll_wait(epoll_, events.data(), 2, -1)) < 0)
      if (errno != EINTR)
        give_up("epoll_wait");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
      if ((events[i].events & (EPOLLIN | EPOLLHUP)) != 0)
        visit(*static_cast<stream*>(events[i].data.ptr));
  }

private:
  void control(int operation, stream& x, std::uint32_t wanted) {
    epoll_event event{.events = wanted, .data = {.ptr = &x}};
    if (epoll_ctl(epoll_, operation, x.fd(), &event) != 0)
      give_up("epoll_ctl");
  }

  int epoll_;
};

} // namespace floor_of_calls
