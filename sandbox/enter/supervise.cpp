#include "maze/sandbox/enter/supervise.hpp"

#include "maze/io/files.hpp"
#include "maze/sandbox/enter/groups.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace maze::sandbox::enter {

namespace {

constexpr int cpu_look_ms = 50;
/// As elsewhere.
constexpr const char* memory_goes_first = "500";

bool read_exactly(int from, std::string& into, std::size_t size) {
  into.resize(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t count = ::read(from, into.data() + at, size - at);
    if (count > 0)
      at += static_cast<std::size_t>(count);
    else if (count == 0 || errno != EINTR)
      return false;
  }
  return true;
}

/// What a child that cannot begin says through the pipe that its exec would close.
struct failure {
  int number = 0;
  char step[16] = "";
};

class task {
public:
  task(const block& how, const surroundings& where) : how_(how), where_(where) {}

  /// In the child; comes back only where it cannot begin.
  failure begin(const sigset_t& before) {
    ::setsid();
    go_first();
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (const char* const step = where_.furnish ? where_.furnish() : nullptr)
      return failed(step);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0)
      return failed("stdin");
    if (nothing != STDIN_FILENO)
      ::close(nothing);
    if (::chdir(how_.working_directory.c_str()) != 0)
      return failed("chdir");
    for (const limit& each : how_.limits)
      if (!hold_to(each))
        return failed("limits");
    for (const std::string& each : how_.environment)
      ::putenv(const_cast<char*>(each.c_str()));
    std::vector<char*> words;
    for (const std::string& each : how_.argv)
      words.push_back(const_cast<char*>(each.c_str()));
    words.push_back(nullptr);
    if (!fence_off())
      return failed("filter");
    ::execvp(words.front(), words.data());
    return failed("exec");
  }

private:
  /// A limit that is lower already stays.
  static bool hold_to(const limit& x) {
    const auto resource = static_cast<__rlimit_resource>(x.resource);
    rlimit value{};
    if (::getrlimit(resource, &value) != 0)
      return false;
    value.rlim_max = std::min<rlim_t>(value.rlim_max, x.value);
    value.rlim_cur = value.rlim_max;
    return ::setrlimit(resource, &value) == 0;
  }
  /// Where memory runs out, the task goes and not the process that tells of it. Others of the task's user have begun nothing yet.
  static void go_first() {
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    const io::unique_fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    static_cast<void>(::write(score.get(), memory_goes_first, std::strlen(memory_goes_first)));
  }
  [[nodiscard]] bool fence_off() const {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !keep_in())
      return false;
    if (how_.filter.empty())
      return true;
    std::vector<sock_filter> steps(how_.filter.size() / sizeof(sock_filter));
    how_.filter.copy(reinterpret_cast<char*>(steps.data()), steps.size() * sizeof(sock_filter));
    const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
  }
  /// Landlock, where the kernel's is new enough: with the machine's network come its sockets without a file.
  /// Source: linux/landlock.h of Linux 6.12; the headers of Debian 12 know version 2 only.
  static bool keep_in() {
    constexpr long scoping_version = 6;
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION)
        < scoping_version)
      return true;
    const std::array<std::uint64_t, 3> files_network_scopes{0, 0, 3};
    const io::unique_fd rules(static_cast<int>(::syscall(
        SYS_landlock_create_ruleset, &files_network_scopes, sizeof files_network_scopes, 0)));
    return rules && ::syscall(SYS_landlock_restrict_self, rules.get(), 0) == 0;
  }
  static failure failed(const char* step) {
    failure out{errno, ""};
    std::string_view(step).copy(out.step, sizeof out.step - 1);
    return out;
  }

  const block& how_;
  const surroundings& where_;
};

/// Everything but this process: as the first one of its namespace it is spared.
void kill_all() { ::kill(-1, SIGKILL); }

void tell(int to, const report& what) {
  if (to < 0)
    return;
  const std::string bytes = encode(what);
  static_cast<void>(::pwrite(to, bytes.data(), bytes.size(), 0));
}

report counted() {
  return {.cpu_time = cpu_time_used(),
          .memory_peak = memory_peak(),
          .memory_kills = memory_kills(),
          .refused_processes = refused_processes()};
}

/// Until the task has ended, or nobody waits for it any more.
class watch {
public:
  /// @param before  what was counted when the task began
  watch(const block& how, const surroundings& where, report before, pid_t main, int signals)
      : how_(how), where_(where), before_(std::move(before)), main_(main), signals_(signals) {}

  report run() {
    while (!out_.ended)
      step();
    kill_all();
    while (reap(0) > 0 || errno == EINTR) {
    }
    count();
    return out_;
  }

private:
  void step() {
    // Whatever the node's end of a descriptor says, it is not asked again once everything was killed.
    const int input = abandoned_ ? -1 : where_.input;
    const int line = abandoned_ ? -1 : where_.line;
    std::array<pollfd, 3> of{{{signals_, POLLIN, 0}, {input, POLLIN, 0}, {line, POLLIN, 0}}};
    if (::poll(of.data(), of.size(), how_.cpu_time > 0 && !out_.cpu_passed ? cpu_look_ms : -1) == 0)
      look_at_cpu();
    if (of[1].revents != 0)
      look_at(where_.input, false);
    if (of[2].revents != 0 && !abandoned_)
      look_at(where_.line, true);
    if (of[0].revents != 0)
      take_signal();
  }
  void look_at_cpu() {
    if (cpu_time_used() - before_.cpu_time < how_.cpu_time)
      return;
    out_.cpu_passed = true;
    kill_all();
  }
  void look_at(int from, bool signals) {
    std::array<char, 256> bytes{};
    const ssize_t count = ::read(from, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      return;
    for (ssize_t i = 0; signals && i < count; ++i)
      ::kill(-1, static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]));
    if (count > 0)
      return;
    abandoned_ = true;
    kill_all();
  }
  void take_signal() {
    signalfd_siginfo got{};
    if (::read(signals_, &got, sizeof got) != static_cast<ssize_t>(sizeof got))
      return;
    // What comes from within is for others to bear, not to pass on.
    if (got.ssi_signo != SIGCHLD && got.ssi_pid == 0)
      ::kill(-1, static_cast<int>(got.ssi_signo));
    while (reap(WNOHANG) > 0) {
    }
  }
  pid_t reap(int options) {
    int status = 0;
    rusage used{};
    const pid_t pid = ::wait4(-1, &status, options, &used);
    if (pid > 0)
      largest_ = std::max(largest_, static_cast<std::uint64_t>(used.ru_maxrss) << 10);
    if (pid == main_ && !out_.ended) {
      out_.ended = true;
      out_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      out_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    return pid;
  }
  void count() {
    const report now = counted();
    out_.cpu_time = now.cpu_time - before_.cpu_time;
    out_.memory_kills = now.memory_kills - before_.memory_kills;
    out_.refused_processes = now.refused_processes - before_.refused_processes;
    // The groups of a container that stays remember the peak of all its tasks.
    out_.memory_peak = now.memory_peak > before_.memory_peak ? now.memory_peak : largest_;
  }

  const block& how_;
  const surroundings& where_;
  const report before_;
  pid_t main_;
  int signals_;
  bool abandoned_ = false;
  /// Resident memory of the largest process that has ended, in bytes.
  std::uint64_t largest_ = 0;
  report out_{.began = true, .step = ""};
};

} // namespace

std::optional<block> read_block(int from) {
  std::string bytes;
  if (!read_exactly(from, bytes, block_head_size))
    return std::nullopt;
  const auto size = size_behind(bytes);
  if (!size || !read_exactly(from, bytes, *size))
    return std::nullopt;
  return decode(bytes);
}

int supervise(const block& how, const surroundings& where) {
  // The task has the same user, and what it says of its end is for this process to say.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (how.report >= 0)
    ::fcntl(how.report, F_SETFD, FD_CLOEXEC);
  sigset_t taken;
  sigset_t before;
  ::sigemptyset(&taken);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2})
    ::sigaddset(&taken, signal);
  ::sigprocmask(SIG_BLOCK, &taken, &before);
  const io::unique_fd signals(::signalfd(-1, &taken, SFD_CLOEXEC));
  std::array<int, 2> pipe{-1, -1};
  if (!signals || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return cannot_begin;
  // What a container took to begin is its only task's.
  const report counted_before = where.line < 0 ? report{} : counted();
  const pid_t main = ::fork();
  if (main == 0) {
    const failure why = task(how, where).begin(before);
    static_cast<void>(::write(pipe[1], &why, sizeof why));
    ::_exit(cannot_begin);
  }
  ::close(pipe[1]);
  failure why;
  const bool failed = main < 0 || ::read(pipe[0], &why, sizeof why) == sizeof why;
  ::close(pipe[0]);
  if (failed) {
    tell(how.report,
         {.step = main < 0 ? "fork" : why.step, .exit_code = main < 0 ? errno : why.number});
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return cannot_begin;
  }
  tell(how.report, {.began = true, .step = ""});
  const report ended = watch(how, where, counted_before, main, signals.get()).run();
  tell(how.report, ended);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return ended.signal != 0 ? 128 + ended.signal : ended.exit_code;
}

} // namespace maze::sandbox::enter
