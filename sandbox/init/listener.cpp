#include "maze/sandbox/init/listener.hpp"

#include "maze/sandbox/init_protocol.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <new>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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

/// What a witness writes, once: shorter than PIPE_BUF, so it is written whole.
struct testimony {
  std::int32_t number = protocol::unknown_call;
  std::uint32_t name_size = 0;
  std::array<char, 64> name{};
};

void read_name(pid_t pid, testimony& to) {
  const io::unique_fd file(
      ::open(("/proc/" + std::to_string(pid) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = file ? ::read(file.get(), to.name.data(), to.name.size()) : -1;
  if (size > 0)
    to.name_size = static_cast<std::uint32_t>(size) - (to.name.at(size - 1) == '\n' ? 1 : 0);
}

/// The number of a call, as this machine's own programs make it.
std::int32_t number_of(const seccomp_data& call) {
#if defined(__x86_64__)
  constexpr std::uint32_t own = AUDIT_ARCH_X86_64;
#else
  constexpr std::uint32_t own = AUDIT_ARCH_AARCH64;
#endif
  // Where x32 begins. Source: __X32_SYSCALL_BIT.
  constexpr int beyond = 0x40000000;
  return call.arch == own && call.nr >= 0 && call.nr < beyond ? call.nr : protocol::foreign_call;
}

/// Waits for the first call. Nothing where every process that the filter bound is gone.
std::optional<testimony> wait_for_call(int listener) {
  alignas(seccomp_notif) std::array<std::byte, notice_room> room{};
  auto* const told = new (room.data()) seccomp_notif{};
  while (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, told) != 0) {
    if (errno == EINTR)
      continue;
    // It cannot hear anything, and its end says so.
    if (errno != ENOENT)
      ::_exit(1);
    // A signal took its thread out of the call, or the kernel wakes for the end of all.
    pollfd state{listener, POLLIN, 0};
    ::poll(&state, 1, 0);
    return (state.revents & POLLHUP) != 0 ? std::nullopt : std::optional(testimony{});
  }
  testimony out{.number = number_of(told->data)};
  read_name(static_cast<pid_t>(told->pid), out);
  // As long as its call waits nobody else can have had its number.
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &told->id) != 0)
    out.name_size = 0;
  return out;
}

[[noreturn]] void bear_witness(int listener, int out) {
  constexpr int kept_listener = 0, kept_out = 1;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    ::_exit(1);
  // Neither of them has one of these numbers, and all else would keep others' ends open.
  ::dup2(listener, kept_listener);
  ::dup2(out, kept_out);
  ::syscall(SYS_close_range, 2U, ~0U, 0);
  const auto seen = wait_for_call(kept_listener);
  if (seen && ::write(kept_out, &*seen, sizeof *seen) != sizeof *seen)
    ::_exit(1);
  ::close(kept_out);
  for (;;)
    ::pause();
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

witness start_witness(io::unique_fd listener) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return {};
  witness made{-1, io::unique_fd(ends[0])};
  const io::unique_fd out(ends[1]);
  made.pid = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
  if (made.pid == 0)
    bear_witness(listener.get(), out.get());
  return made;
}

std::optional<forbidden_call> heard(const witness& from) {
  testimony record;
  if (::read(from.told.get(), &record, sizeof record) != sizeof record)
    return std::nullopt;
  return forbidden_call{record.number, std::string(record.name.data(), record.name_size)};
}

} // namespace maze::sandbox::init
