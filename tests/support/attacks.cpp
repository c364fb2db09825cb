// Tries what a sandboxed child must not be able to do and prints how each attempt ended, `name answer` a line: `done`, the error,
// or the signal that ended the attempt. Names choose; without any, all but the attempts at limits are made. None does harm
// where it fails. It refuses to run as root of the machine; below level seccomp it belongs into namespaces that are thrown away.
#include "support/attacks.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sched.h>
#include <string_view>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

namespace {

using maze::attack::attempt;

[[noreturn]] void stay() {
  for (;;)
    ::pause();
}

/// Leaves its process group, and nobody in it, and stays.
int leave_group() {
  const pid_t other = ::fork();
  if (other == 0) {
    ::setpgid(0, 0);
    stay();
  }
  // The group is there once the other one has made it.
  while (::setpgid(0, other) != 0)
    ::sched_yield();
  stay();
}

/// Makes a sibling that stays, and ends.
int leave_sibling() {
  const long made = ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (made == 0) {
    ::close(0);
    ::close(1);
    ::close(2);
    stay();
  }
  std::puts(made > 0 ? "left" : ::strerrorname_np(errno));
  return 0;
}

/// Makes its parent its tracer and stops, which a parent that only waits takes for an end.
int stop_as_tracee() {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
    std::puts(::strerrorname_np(errno));
    return 0;
  }
  ::raise(SIGSTOP);
  return 0;
}

/// What another task could find, and somebody for it to reach: a file in each folder for them, and a socket.
int be_found() {
  for (const char* path : {"/tmp/maze-attack-task", "/dev/shm/maze-attack-task"})
    ::close(::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  // Not every level has local sockets.
  maze::attack::listen_abstract("maze-attack-task");
  ::close(::open("found", O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  stay();
}

/// A system call as 32-bit programs make it, by the gate that every x86_64 kernel leaves open.
[[maybe_unused]] void call_as_i386() {
#if defined(__x86_64__)
  long answer = 20; // getpid
  asm volatile("int $0x80" : "+a"(answer) : : "memory");
#endif
}

/// Of another architecture: ends this process where it is guarded.
int call_from_elsewhere(std::string_view how) {
  if (how == "i386")
    call_as_i386();
  else
    ::syscall(0x40000000 | SYS_getpid);
  std::puts("survived");
  return 0;
}

/// By the program itself, which is spared: whoever else it reaches is dead.
void kill_all() {
  errno = 0;
  std::printf("kill_all %s\n", ::kill(-1, SIGKILL) == 0 ? "done" : ::strerrorname_np(errno));
  std::fflush(stdout);
}

/// In a process of its own, so that no attempt changes what another one finds.
void try_out(const attempt& x) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    errno = 0;
    ::_exit(x.make() < 0 ? errno : 0);
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid)
    std::printf("%s untried\n", x.name);
  else if (WIFSIGNALED(status))
    std::printf("%s SIG%s\n", x.name, ::sigabbrev_np(WTERMSIG(status)));
  else
    std::printf("%s %s\n", x.name,
                WEXITSTATUS(status) == 0 ? "done" : ::strerrorname_np(WEXITSTATUS(status)));
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  if (::getuid() == 0) {
    std::fputs("maze-attack does not run as root\n", stderr);
    return 2;
  }
  const std::vector<std::string_view> wanted(argv + 1, argv + argc);
  const std::string_view first = wanted.empty() ? "" : wanted[0];
  if (first == "group")
    return leave_group();
  if (first == "sibling")
    return leave_sibling();
  if (first == "tracee")
    return stop_as_tracee();
  if (first == "found")
    return be_found();
  // Of a copy that has a set-user-id bit.
  if (first == "user")
    return ::geteuid() == ::getuid() ? 0 : 1;
  if (first == "i386" || first == "x32")
    return call_from_elsewhere(first);
  const auto is_wanted = [&](const attempt& x) {
    return std::find(wanted.begin(), wanted.end(), x.name) != wanted.end();
  };
  if (wanted.empty() || std::find(wanted.begin(), wanted.end(), "kill_all") != wanted.end())
    kill_all();
  for (const auto list : {maze::attack::at_the_machine(), maze::attack::at_others()})
    for (const attempt& each : list)
      if (wanted.empty() || is_wanted(each))
        try_out(each);
  for (const attempt& each : maze::attack::at_limits())
    if (is_wanted(each))
      try_out(each);
  return 0;
}
