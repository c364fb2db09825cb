#pragma once

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::test {

/// Runs `body` in a forked child and gives back what it returned (0 to 255), or 256 + the signal
/// that ended it; 255 where it threw. For what would change the whole process: its user, its mounts,
/// its life.
inline int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child < 0)
    throw std::runtime_error("fork failed");
  if (child == 0) {
    int status = 255;
    try {
      status = body();
    } catch (const std::exception& thrown) {
      std::fprintf(stderr, "in a child: %s\n", thrown.what());
    } catch (...) {
      std::fputs("in a child: a check failed\n", stderr);
    }
    ::_exit(status);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child)
    throw std::runtime_error("waitpid failed");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

} // namespace maze::test
