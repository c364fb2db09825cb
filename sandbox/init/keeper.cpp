#include "maze/sandbox/init/keeper.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

bool tell(int fd, const keeper_record& x) {
  // Shorter than PIPE_BUF, so it is written whole.
  static_assert(sizeof x <= 4096);
  return ::write(fd, &x, sizeof x) == static_cast<ssize_t>(sizeof x);
}

/// As waitpid would give it.
int wait_status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED)
    return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

/// Reaps the tree's orphans until the child itself is dead, and leaves that one.
void wait_for_main(keeper_record& record) {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0) {
      if (errno == EINTR)
        continue;
      return;
    }
    // It made us its tracer: nobody would ever let it go on.
    if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) {
      ::kill(info.si_pid, SIGKILL);
      continue;
    }
    if (info.si_pid != record.main) {
      ::waitpid(info.si_pid, nullptr, 0);
      continue;
    }
    // The system call, unlike the library's, also tells the usage.
    ::syscall(SYS_waitid, P_PID, record.main, &info, WEXITED | WNOWAIT, &record.usage);
    record.wait_status = wait_status_of(info);
    record.ended = true;
    return;
  }
}

[[noreturn]] void keep(const spawn_plan& plan, int out) {
  keeper_record record;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    record.at = protocol::stage::process;
    record.error_number = errno;
    std::strcpy(record.subject, "subreaper");
  } else {
    const spawn_result started = spawn(plan);
    record.main = started.pid;
    record.at = started.what.at;
    record.error_number = started.what.error_number;
    const auto size = std::min(std::strlen(started.what.subject), sizeof record.subject - 1);
    std::memcpy(record.subject, started.what.subject, size);
  }
  if (!tell(out, record) || record.main < 0)
    ::_exit(1);
  // The pipe is all that a keeper needs from here on; what it inherited would keep others' ends open.
  ::dup2(out, 0);
  ::syscall(SYS_close_range, 1U, ~0U, 0);
  wait_for_main(record);
  if (!tell(0, record))
    ::_exit(1);
  for (;;)
    ::pause();
}

} // namespace

keeper start_keeper(const spawn_plan& plan) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return {};
  keeper made{-1, io::unique_fd(ends[0])};
  const io::unique_fd out(ends[1]);
  made.pid = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
  if (made.pid == 0)
    keep(plan, out.get());
  return made;
}

} // namespace maze::sandbox::init
