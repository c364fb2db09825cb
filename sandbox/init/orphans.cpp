#include "maze/sandbox/init/orphans.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace maze::sandbox::init {

int kill_children(const std::function<bool(pid_t)>& spared) {
  // thread-self, because the list belongs to the thread that forked; there is only one.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> list(
      std::fopen("/proc/thread-self/children", "re"), &std::fclose);
  if (!list)
    return -1;
  int killed = 0;
  for (int pid = 0; std::fscanf(list.get(), "%d", &pid) == 1;) {
    // 0 stands for a process that this /proc cannot name, and kill(0) and kill(-1) hit crowds.
    if (pid <= 1 || spared(pid))
      continue;
    ::kill(pid, SIGKILL);
    ++killed;
  }
  return killed;
}

bool has_unknown_child(int list, const std::function<bool(pid_t)>& known) {
  std::array<char, 4096> text{};
  pid_t pid = 0;
  ssize_t count = 0;
  for (off_t at = 0; (count = ::pread(list, text.data(), text.size(), at)) > 0; at += count)
    for (const char c : std::string_view(text.data(), static_cast<std::size_t>(count)))
      if (c >= '0' && c <= '9')
        pid = pid * 10 + (c - '0');
      else if (const pid_t one = std::exchange(pid, 0); one > 1 && !known(one))
        return true;
  return pid > 1 && !known(pid);
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
