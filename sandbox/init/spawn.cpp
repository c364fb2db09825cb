#include "maze/sandbox/init/spawn.hpp"

#include "maze/sandbox/init/fault.hpp"
#include "maze/sandbox/init/overlay.hpp"
#include "maze/sandbox/init/setup.hpp"

#include <cerrno>
#include <cstdlib>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

constexpr std::size_t stack_size = std::size_t{256} << 10;

/// The stack that children use between clone and execve: one suffices, because the parent waits.
char* child_stack() {
  static char* const stack = [] {
    void* memory = ::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
      std::abort();
    return static_cast<char*>(memory);
  }();
  return stack;
}

struct start {
  const spawn_plan& plan;
  failure what;
};

int run_child(void* argument) {
  auto& job = *static_cast<start*>(argument);
  job.what = set_up_and_execute(job.plan);
  ::syscall(SYS_exit_group, 127);
  return 127;
}

} // namespace

spawn_result spawn(const spawn_plan& plan) {
  if (const failure what = injected(protocol::stage::process); what.at != protocol::stage::none)
    return {-1, what};
  start job{plan, {}};
  // An overlay needs a mount namespace of the child's own; without one the slot's is joined.
  const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (plan.request.has_overlay ? CLONE_NEWNS : 0);
  const pid_t pid = ::clone(run_child, child_stack() + stack_size, flags, &job);
  if (pid < 0) {
    const auto at =
        plan.request.has_overlay ? protocol::stage::mount_namespace : protocol::stage::process;
    return {-1, {at, errno, "clone"}};
  }
  if (job.what.at == protocol::stage::none)
    return {pid, {}};
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {-1, job.what};
}

} // namespace maze::sandbox::init
