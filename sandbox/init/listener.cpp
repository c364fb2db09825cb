#include "maze/sandbox/init/listener.hpp"

#include "maze/sandbox/init_protocol.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <new>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace maze::sandbox::init {
namespace {

/// Kernels may tell more than this build knows, behind it. Source: seccomp_unotify(2), SECCOMP_GET_NOTIF_SIZES.
constexpr std::size_t notice_room = 1024;

/// One descriptor beside one byte, which makes the message one that arrives.
struct envelope {
  char byte = 0;
  iovec content{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};

  envelope() noexcept {
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  envelope(const envelope&) = delete;
  envelope& operator=(const envelope&) = delete;
};

std::string name_of(pid_t pid) {
  const io::unique_fd file(
      ::open(("/proc/" + std::to_string(pid) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  const auto size = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (size <= 0)
    return {};
  std::string out(text.data(), static_cast<std::size_t>(size));
  if (out.back() == '\n')
    out.pop_back();
  return out;
}

} // namespace

passage passage::make() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return {};
  io::unique_fd here(ends[0]);
  const io::unique_fd low(ends[1]);
  // Beyond the numbers that a child gives to what it inherits.
  io::unique_fd there(::fcntl(low.get(), F_DUPFD_CLOEXEC,
                              STDERR_FILENO + 1 + static_cast<int>(protocol::inherited_max)));
  if (!there)
    return {};
  return {std::move(here), std::move(there)};
}

bool hand_over(int through, int descriptor) {
  envelope out;
  cmsghdr* const header = CMSG_FIRSTHDR(&out.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return ::sendmsg(through, &out.message, MSG_NOSIGNAL) == 1;
}

io::unique_fd take_over(passage& through) {
  through.there.reset();
  envelope in;
  const auto size = ::recvmsg(through.here.get(), &in.message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  through.here.reset();
  const cmsghdr* const header = size == 1 ? CMSG_FIRSTHDR(&in.message) : nullptr;
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS
      || header->cmsg_len != CMSG_LEN(sizeof(int)))
    return {};
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return io::unique_fd(descriptor);
}

std::optional<forbidden_call> next_forbidden(int listener) {
  // Without one to tell the request below would wait for it.
  pollfd wanted{listener, POLLIN, 0};
  if (::poll(&wanted, 1, 0) != 1 || (wanted.revents & POLLIN) == 0)
    return std::nullopt;
  alignas(seccomp_notif) std::array<std::byte, notice_room> room{};
  auto* const told = new (room.data()) seccomp_notif{};
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, told) != 0)
    return std::nullopt;
  forbidden_call out{.number = told->data.nr, .program = name_of(static_cast<pid_t>(told->pid))};
  // As long as its call waits nobody else can have had its number.
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &told->id) != 0)
    out.program.clear();
  return out;
}

bool has_no_users(int listener) {
  pollfd wanted{listener, POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLHUP) != 0;
}

} // namespace maze::sandbox::init
