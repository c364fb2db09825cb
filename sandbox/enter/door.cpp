#include "maze/sandbox/enter/door.hpp"

#include "maze/io/files.hpp"
#include "maze/sandbox/enter/refusal.hpp"
#include "maze/sandbox/enter_packet.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <numeric>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace maze::sandbox::enter {

namespace {

io::unique_fd make_socket() {
  return io::unique_fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

/// False, with errno set, for a path that no socket can have.
bool set_address(sockaddr_un& to, const std::string& path) {
  to.sun_family = AF_UNIX;
  if (path.size() >= sizeof to.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(to.sun_path, path.c_str(), path.size() + 1);
  return true;
}

/// Listens in `folder`, however long its own path is.
bool listen_in(int folder, const io::unique_fd& door) {
  sockaddr_un address{};
  const std::string path = "/proc/self/fd/" + std::to_string(folder) + '/' + name_of_door;
  return set_address(address, path)
         && ::bind(door.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
         // The folder keeps everybody else away; whoever the container's first process is may connect.
         && ::fchmodat(folder, name_of_door, 0666, 0) == 0 && ::listen(door.get(), 1) == 0;
}

/// Until somebody comes, or the engine's program has ended.
void wait_at(const io::unique_fd& door, const io::unique_fd& engine, int count) {
  std::array<pollfd, 2> of{{{door.get(), POLLIN, 0}, {engine.get(), POLLIN, 0}}};
  while (::poll(of.data(), of.size(), -1) < 0 && errno == EINTR) {
  }
  if (of[0].revents == 0)
    return;
  const io::unique_fd guest(::accept4(door.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  const char byte = static_cast<char>(word::task);
  if (guest)
    static_cast<void>(send_packet(guest.get(), {&byte, 1}, all));
}

} // namespace

int hand_over(const std::string& folder, int count, char** program) {
  const io::unique_fd place(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const io::unique_fd door = make_socket();
  if (!place || !door || !listen_in(place.get(), door))
    return refuse("the engine's door");
  const io::unique_fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self)
    return refuse("pidfd_open");
  const pid_t waiter = ::fork();
  if (waiter < 0)
    return refuse("fork");
  if (waiter == 0) {
    wait_at(door, self, count);
    ::unlinkat(place.get(), name_of_door, 0);
    ::rmdir(folder.c_str());
    ::_exit(0);
  }
  // The descriptors are the container's, as is the end of each.
  const io::unique_fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing || ::dup2(nothing.get(), STDIN_FILENO) < 0)
    return refuse("/dev/null");
  for (int each = STDERR_FILENO + 1; each < count; ++each)
    ::close(each);
  ::execv(program[0], program);
  return refuse(program[0]);
}

bool take_over(const std::string& path) {
  io::unique_fd guest = make_socket();
  sockaddr_un address{};
  if (!guest || !set_address(address, path)
      || ::connect(guest.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return false;
  auto got = receive_packet(guest.get());
  if (!got)
    return false;
  if (got->fds.empty()) {
    errno = EPIPE;
    return false;
  }
  // Whatever is open here is above all numbers that are to be taken.
  guest.reset();
  const auto count = static_cast<int>(got->fds.size());
  for (io::unique_fd& each : got->fds) {
    each.reset(::fcntl(each.get(), F_DUPFD_CLOEXEC, count));
    if (!each)
      return false;
  }
  for (int i = 0; i < count; ++i)
    if (::dup2(got->fds[static_cast<std::size_t>(i)].get(), i) < 0)
      return false;
  return true;
}

} // namespace maze::sandbox::enter
