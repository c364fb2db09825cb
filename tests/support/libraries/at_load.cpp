// What it does as it is loaded, MAZE_TEST_AT_LOAD says.
#include "maze/core/task.hpp"

#include <csignal>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace {

__attribute__((constructor)) void act() {
  const char* given = std::getenv("MAZE_TEST_AT_LOAD");
  const std::string_view what = given == nullptr ? "" : given;
  if (what == "crash")
    *static_cast<volatile int*>(nullptr) = 1;
  if (what == "fork")
    static_cast<void>(!::fork());
  // Stands still, so that the test can see that it got here.
  if (what == "block")
    std::raise(SIGSTOP);
  if (what == "exit")
    std::exit(9);
  if (what == "throw")
    throw 1;
}

bool loaded() { return true; }

} // namespace

MAZE_TASK(loaded, "True.")
