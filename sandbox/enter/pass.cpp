#include "maze/sandbox/enter/pass.hpp"

#include "maze/io/files.hpp"
#include "maze/sandbox/enter/refusal.hpp"
#include "maze/sandbox/enter_packet.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace maze::sandbox::enter {

namespace {

/// Until the container says how the task ended.
int wait_for_end(int line, int signals) {
  for (;;) {
    std::array<pollfd, 2> of{{{line, POLLIN, 0}, {signals, POLLIN, 0}}};
    if (::poll(of.data(), of.size(), -1) < 0 && errno != EINTR)
      return refuse("poll");
    if (of[1].revents != 0) {
      signalfd_siginfo got{};
      if (::read(signals, &got, sizeof got) == static_cast<ssize_t>(sizeof got)) {
        const auto number = static_cast<unsigned char>(got.ssi_signo);
        static_cast<void>(::send(line, &number, sizeof number, MSG_NOSIGNAL));
      }
    }
    if (of[0].revents != 0) {
      unsigned char status = 0;
      if (::read(line, &status, sizeof status) == sizeof status)
        return status;
      errno = EPIPE;
      return refuse("the container has ended");
    }
  }
}

} // namespace

int pass(const passing& x) {
  sigset_t taken;
  ::sigemptyset(&taken);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2})
    ::sigaddset(&taken, signal);
  ::sigprocmask(SIG_BLOCK, &taken, nullptr);
  const io::unique_fd signals(::signalfd(-1, &taken, SFD_CLOEXEC));
  if (!signals)
    return refuse("signalfd");
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return refuse("socketpair");
  const io::unique_fd own(ends[0]);
  io::unique_fd theirs(ends[1]);
  std::vector<int> fds{theirs.get(), x.input, STDOUT_FILENO, STDERR_FILENO, x.report};
  io::unique_fd folder;
  if (x.folder) {
    folder.reset(::open_tree(AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!folder)
      return refuse("open_tree");
    fds.push_back(folder.get());
  }
  for (int each = STDERR_FILENO + 1; each < std::min({x.line, x.report, x.input}); ++each)
    fds.push_back(each);
  if (!send_packet(x.line, encode(task_packet{x.uid, x.gid, x.folder}), fds))
    return refuse("the line to the container");
  // Only the container's own copies count now.
  theirs.reset();
  folder.reset();
  for (const int each : {x.input, x.line, x.report})
    ::close(each);
  return wait_for_end(own.get(), signals.get());
}

} // namespace maze::sandbox::enter
