#include "maze/sandbox/enter_packet.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace maze::sandbox::enter {

namespace {

/// SCM_MAX_FD of Linux.
constexpr std::size_t fds_max = 253;
constexpr std::size_t bytes_max = 64;

union control_space {
  std::array<char, CMSG_SPACE(fds_max * sizeof(int))> bytes;
  cmsghdr head;
};

} // namespace

std::string encode(const task_packet& x) {
  std::string out(1, static_cast<char>(word::task));
  for (const std::uint32_t each : {x.uid, x.gid})
    out.append(reinterpret_cast<const char*>(&each), sizeof each);
  out += x.folder ? '\1' : '\0';
  return out;
}

std::optional<task_packet> decode_task(std::string_view bytes) {
  task_packet out;
  constexpr std::size_t size = 1 + sizeof out.uid + sizeof out.gid + 1;
  if (bytes.size() != size || bytes.front() != static_cast<char>(word::task)
      || static_cast<unsigned char>(bytes.back()) > 1)
    return std::nullopt;
  std::memcpy(&out.uid, bytes.data() + 1, sizeof out.uid);
  std::memcpy(&out.gid, bytes.data() + 1 + sizeof out.uid, sizeof out.gid);
  out.folder = bytes.back() == '\1';
  return out;
}

bool send_packet(int line, std::string_view bytes, std::span<const int> fds) {
  if (fds.size() > fds_max) {
    errno = EINVAL;
    return false;
  }
  iovec what{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &what;
  message.msg_iovlen = 1;
  control_space space{};
  if (!fds.empty()) {
    message.msg_control = space.bytes.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
  }
  ssize_t sent = 0;
  do
    sent = ::sendmsg(line, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes.size());
}

std::optional<packet> receive_packet(int line) {
  packet out;
  out.bytes.resize(bytes_max);
  iovec where{out.bytes.data(), out.bytes.size()};
  msghdr message{};
  message.msg_iov = &where;
  message.msg_iovlen = 1;
  control_space space{};
  message.msg_control = space.bytes.data();
  message.msg_controllen = sizeof space.bytes;
  ssize_t got = 0;
  do
    got = ::recvmsg(line, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return std::nullopt;
  out.bytes.resize(static_cast<std::size_t>(got));
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
      continue;
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
      out.fds.emplace_back(fd);
    }
  }
  return out;
}

} // namespace maze::sandbox::enter
