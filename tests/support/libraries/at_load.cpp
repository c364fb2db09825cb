// What it does as it is loaded, MAZE_TEST_AT_LOAD says, or MAZE_TEST_DEED where it was built with one.
#include "maze/core/task.hpp"

#include <csignal>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

#ifndef MAZE_TEST_DEED
#define MAZE_TEST_DEED ""
#endif

namespace {

__attribute__((constructor)) void act() {
  const char* given = std::getenv("MAZE_TEST_AT_LOAD");
  const std::string_view what = given == nullptr ? MAZE_TEST_DEED : given;
  if (what == "crash") {
    static_cast<void>(!::write(STDERR_FILENO, "about to crash\n", 15));
    *static_cast<volatile int*>(nullptr) = 1;
  }
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
