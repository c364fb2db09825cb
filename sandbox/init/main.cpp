#include "maze/sandbox/init/cgroup_home.hpp"
#include "maze/sandbox/init/cgroups.hpp"
#include "maze/sandbox/init/orphans.hpp"
#include "maze/sandbox/init/probe.hpp"
#include "maze/sandbox/init/server.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace maze::sandbox;

/// The node's handlers and masks mean nothing here, and children inherit what is ignored.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t nothing;
  ::sigemptyset(&nothing);
  ::sigprocmask(SIG_SETMASK, &nothing, nullptr);
}

bool socket_given() {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(protocol::socket_fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0
         && type == SOCK_SEQPACKET;
}

/// Blocked, so that it waits for the server's signalfd and is not lost on a namespace's first process.
void block_sigterm() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
}

/// Numbers of processes are used again, and mean others in other namespaces.
std::string folder_of_groups() {
  std::uint32_t chance = 0;
  if (::getrandom(&chance, sizeof chance, 0) != sizeof chance)
    chance = static_cast<std::uint32_t>(::time(nullptr));
  return std::string(init::name_prefix) + std::to_string(::getpid()) + "-" + std::to_string(chance);
}

/// The process that serves. It watches the guardian; as the first process of its own pid namespace,
/// where no pidfd of the guardian can be had, it is told by a signal. SIGKILL would close the socket
/// before the kernel has killed what is below.
[[noreturn]] void serve(init::privilege how, int guardian_fd, std::array<std::uint32_t, 2> ids,
                        std::string groups, const std::string& scratch) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  block_sigterm();
  if (how == init::privilege::user_namespace
      && (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0
          || !init::settle_in_user_namespace(ids[0], ids[1]))) {
    std::perror("maze-init: cannot settle in its user namespace");
    ::_exit(1);
  }
  init::server server(maze::io::unique_fd(protocol::socket_fd), maze::io::unique_fd(guardian_fd),
                      how, std::move(groups), scratch);
  ::_exit(server.run());
}

/// Waits for the server's end, then kills what it left: orphans come here because this process is a
/// subreaper, too. Keeps the socket open until then, so that its end of file tells the node that
/// every tree is gone.
int guard(pid_t server, const std::string& groups) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended == server || (ended < 0 && errno != EINTR))
      break;
  }
  init::end_all_children();
  init::cgroups::remove_all(groups);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

} // namespace

/// Its argument, where there is one, is the folder in which overlays are tried: not every file system can be a layer.
int main(int count, char** words) {
  if (!socket_given()) {
    std::fputs("maze-init is started by maze-node, which hands it a socket as descriptor 3\n",
               stderr);
    return 2;
  }
  ::syscall(SYS_close_range, unsigned{protocol::socket_fd} + 1, ~0U, 0);
  ::fcntl(protocol::socket_fd, F_SETFD, FD_CLOEXEC);
  reset_signals();
  ::umask(022);
  if (::setsid() < 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0
      || ::access("/proc/thread-self/children", R_OK) != 0) {
    std::perror("maze-init needs a session of its own, PR_SET_CHILD_SUBREAPER and "
                "/proc/thread-self/children (CONFIG_PROC_CHILDREN)");
    return 1;
  }
  // Before anything else is started, and where the node can be named.
  const init::cgroup_home home(::getppid());
  const init::privilege how = init::probe_privilege();
  const bool nested = how == init::privilege::user_namespace;
  const std::array<std::uint32_t, 2> ids{::geteuid(), ::getegid()};
  const auto self = static_cast<int>(nested ? -1 : ::syscall(SYS_pidfd_open, ::getpid(), 0));
  const std::string groups = folder_of_groups();
  const std::string scratch = count > 1 ? words[1] : "";
  const unsigned long flags = SIGCHLD | (nested ? CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS : 0);
  const auto server = static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, 0));
  if (server == 0)
    serve(how, self, ids, groups, scratch);
  if (server < 0) {
    std::perror("maze-init: cannot fork");
    return 1;
  }
  return guard(server, groups);
}
