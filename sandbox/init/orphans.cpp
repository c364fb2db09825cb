#include "maze/sandbox/init/orphans.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {

namespace {

/// Calls `visit` for each direct child until it returns false; -1 where there is no list.
int visit_children(const std::function<bool(pid_t)>& visit) {
  // thread-self, because the list belongs to the thread that forked; there is only one.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> list(
      std::fopen("/proc/thread-self/children", "re"), &std::fclose);
  if (!list)
    return -1;
  for (int pid = 0; std::fscanf(list.get(), "%d", &pid) == 1;)
    // 0 stands for a process that this /proc cannot name, and kill(0) and kill(-1) hit crowds.
    if (pid > 1 && !visit(pid))
      break;
  return 0;
}

} // namespace

int kill_children(const std::function<bool(pid_t)>& spared) {
  int killed = 0;
  const int listed = visit_children([&](pid_t pid) {
    if (!spared(pid)) {
      ::kill(pid, SIGKILL);
      ++killed;
    }
    return true;
  });
  return listed < 0 ? -1 : killed;
}

bool has_unknown_child(const std::function<bool(pid_t)>& known) {
  bool found = false;
  visit_children([&](pid_t pid) { return !(found = !known(pid)); });
  return found;
}

void end_all_children() {
  for (;;) {
    if (kill_children([](pid_t) { return false; }) < 0)
      return;
    // Blocks until one of the killed is gone, which is also when its children have come to us.
    if (::waitpid(-1, nullptr, 0) < 0 && errno != EINTR)
      return;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

} // namespace maze::sandbox::init
