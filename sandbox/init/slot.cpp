#include "maze/sandbox/init/slot.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

using protocol::stage;

/// What the first process reports through its pipe before it settles down.
struct readiness {
  stage at = stage::none;
  int error_number = 0;
};

readiness prepare_first() {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return {stage::parent_death_signal, errno};
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return {stage::mount_namespace, errno};
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return {stage::proc, errno};
  // Ignored, so that the kernel reaps orphans by itself.
  ::signal(SIGCHLD, SIG_IGN);
  return {};
}

[[noreturn]] void be_first(int report_fd) {
  const readiness state = prepare_first();
  const bool told = ::write(report_fd, &state, sizeof state) == sizeof state;
  if (!told || state.at != stage::none)
    ::_exit(1);
  ::syscall(SYS_close_range, 0U, ~0U, 0);
  for (;;)
    ::pause();
}

} // namespace

bool slot::empty() const {
  char byte = 0;
  return ::pread(children.get(), &byte, 1, 0) == 0;
}

std::unique_ptr<slot> slot_pool::take(failure& what) {
  if (idle_.empty())
    return make(what);
  auto found = std::move(idle_.back());
  idle_.pop_back();
  return found;
}

void slot_pool::give_back(std::unique_ptr<slot>& used) {
  if (idle_.size() < idle_max_)
    idle_.push_back(std::move(used));
}

bool slot_pool::holds(pid_t pid) const {
  return std::any_of(idle_.begin(), idle_.end(), [&](const auto& x) { return x->first == pid; });
}

void slot_pool::forget(pid_t pid) {
  idle_.erase(
      std::remove_if(idle_.begin(), idle_.end(), [&](const auto& x) { return x->first == pid; }),
      idle_.end());
}

bool slot_pool::enter(const slot* target) {
  if (target != nullptr)
    away_ = true;
  else if (!away_)
    return true;
  else
    away_ = false;
  return ::setns(target != nullptr ? target->pidfd.get() : own_.get(), CLONE_NEWPID) == 0;
}

std::unique_ptr<slot> slot_pool::make(failure& what) {
  if (!own_)
    own_.reset(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  std::array<int, 2> ends{};
  if (!own_ || !enter(nullptr) || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
    what = {stage::pid_namespace, errno, "/proc/self/ns/pid"};
    return nullptr;
  }
  const io::unique_fd in(ends[0]);
  io::unique_fd out(ends[1]);
  auto made = std::make_unique<slot>();
  int pidfd = -1;
  made->first = static_cast<pid_t>(::syscall(
      SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, 0));
  if (made->first == 0)
    be_first(out.get());
  if (made->first < 0) {
    what = {stage::pid_namespace, errno, "clone"};
    return nullptr;
  }
  made->pidfd.reset(pidfd);
  out.reset();
  readiness state{stage::pid_namespace, ECHILD};
  while (::read(in.get(), &state, sizeof state) < 0 && errno == EINTR) {
  }
  const auto pid = std::to_string(made->first);
  made->children.reset(
      ::open(("/proc/" + pid + "/task/" + pid + "/children").c_str(), O_RDONLY | O_CLOEXEC));
  if (state.at == stage::none && !made->children)
    state = {stage::pid_namespace, errno};
  if (state.at == stage::none)
    return made;
  ::kill(made->first, SIGKILL);
  ::waitpid(made->first, nullptr, 0);
  what = {state.at, state.error_number, "pid namespace"};
  return nullptr;
}

} // namespace maze::sandbox::init
