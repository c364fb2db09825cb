#include "maze/sandbox/init/slot.hpp"

#include "maze/sandbox/init/cgroup_files.hpp"
#include "maze/sandbox/init/fault.hpp"
#include "maze/sandbox/init/root.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <string_view>
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

/// What a sealed child is told of the machine's name.
constexpr std::string_view host_name = "maze";

readiness prepare_first(const slot& own) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return {stage::parent_death_signal, errno};
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return {stage::mount_namespace, errno};
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return {stage::proc, errno};
  if (!protect_groups())
    return {stage::groups, errno};
  if (own.kind != slot_kind::plain) {
    if (::sethostname(host_name.data(), host_name.size()) != 0)
      return {stage::namespaces, errno};
    if (const failure what = build_base(own.base); what.at != stage::none)
      return {what.at, what.error_number};
  }
  if (const failure what = injected(stage::pid_namespace); what.at != stage::none)
    return {what.at, what.error_number};
  // Ignored, so that the kernel reaps orphans by itself.
  ::signal(SIGCHLD, SIG_IGN);
  return {};
}

[[noreturn]] void be_first(const slot& own, int report_fd) {
  const readiness state = prepare_first(own);
  const bool told = ::write(report_fd, &state, sizeof state) == sizeof state;
  if (!told || state.at != stage::none)
    ::_exit(1);
  ::syscall(SYS_close_range, 0U, ~0U, 0);
  for (;;)
    ::pause();
}

} // namespace

int joined_namespaces(slot_kind kind) noexcept {
  constexpr int sealed = CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  switch (kind) {
  case slot_kind::plain:
    return 0;
  case slot_kind::sealed:
    return sealed;
  case slot_kind::cut_off:
    return sealed | CLONE_NEWNET;
  }
  return 0;
}

bool slot::empty() const {
  char byte = 0;
  return ::pread(children.get(), &byte, 1, 0) == 0;
}

std::unique_ptr<slot> slot_pool::take(slot_kind kind, const std::vector<const char*>& base,
                                      failure& what) {
  auto& idle = idle_[static_cast<std::size_t>(kind)];
  const auto fits = [&](const auto& x) {
    return std::equal(x->base.begin(), x->base.end(), base.begin(), base.end());
  };
  const auto last = std::find_if(idle.rbegin(), idle.rend(), fits);
  if (last == idle.rend())
    return make(kind, base, what);
  auto found = std::move(*last);
  idle.erase(std::next(last).base());
  return found;
}

void slot_pool::give_back(std::unique_ptr<slot>& used) {
  auto& idle = idle_[static_cast<std::size_t>(used->kind)];
  if (idle.size() < idle_max_)
    idle.push_back(std::move(used));
}

bool slot_pool::holds(pid_t pid) const {
  return std::any_of(idle_.begin(), idle_.end(), [pid](const auto& idle) {
    return std::any_of(idle.begin(), idle.end(), [pid](const auto& x) { return x->first == pid; });
  });
}

void slot_pool::forget(pid_t pid) {
  for (auto& idle : idle_)
    std::erase_if(idle, [pid](const auto& x) { return x->first == pid; });
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

std::unique_ptr<slot> slot_pool::make(slot_kind kind, const std::vector<const char*>& base,
                                      failure& what) {
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
  made->kind = kind;
  made->base.assign(base.begin(), base.end());
  int pidfd = -1;
  const int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD | SIGCHLD | joined_namespaces(kind);
  made->first = static_cast<pid_t>(
      ::syscall(SYS_clone, static_cast<unsigned long>(flags), nullptr, &pidfd, nullptr, 0));
  if (made->first == 0)
    be_first(*made, out.get());
  if (made->first < 0) {
    what = {kind == slot_kind::plain ? stage::pid_namespace : stage::namespaces, errno, "clone"};
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
  what = {state.at, state.error_number, "slot"};
  return nullptr;
}

} // namespace maze::sandbox::init
