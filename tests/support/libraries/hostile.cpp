// Functions that end, confuse or leave the process that calls them.
#include "maze/core/task.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>

namespace {

std::int64_t good(std::int64_t x) { return x; }

void fault() { *static_cast<volatile int*>(nullptr) = 1; }

int overrun(int depth) {
  volatile char much[4096] = {};
  much[depth % 4096] = 1;
  return depth < 0 ? 0 : overrun(depth + 1) + much[0];
}

void give_up() { std::abort(); }

void raise_signal(int number) { std::raise(number); }

void leave(int status) { std::exit(status); }

void leave_at_once(int status) { ::_exit(status); }

void unexpected() noexcept(false) {
  std::thread([] { throw 1; }).join();
}

/// Writes to whatever is open.
void garbage() {
  for (int fd = 3; fd < 1024; ++fd)
    static_cast<void>(!::write(fd, "this is no message of calls at all", 34));
}

void close_all() {
  for (int fd = 3; fd < 1024; ++fd)
    ::close(fd);
}

/// Returns twice.
bool copy() {
  std::printf("before");
  std::fflush(stdout);
  return ::fork() >= 0;
}

/// What a program that a function starts finds open.
std::string inherited() {
  std::string out;
  std::FILE* listing = ::popen("ls /proc/self/fd", "r");
  char line[64];
  while (std::fgets(line, sizeof line, listing) != nullptr)
    out += line;
  ::pclose(listing);
  return out;
}

} // namespace

MAZE_TASK(good, "The same.", maze::arg("x"))
MAZE_TASK(fault, "Writes to address 0.")
MAZE_TASK(overrun, "Runs over the stack.", maze::arg("depth") = 0)
MAZE_TASK(give_up, "Aborts.")
MAZE_TASK(raise_signal, "Sends itself a signal.", maze::arg("number"))
MAZE_TASK(leave, "Calls exit.", maze::arg("status"))
MAZE_TASK(leave_at_once, "Calls _exit.", maze::arg("status"))
MAZE_TASK(unexpected, "An exception that nobody catches.")
MAZE_TASK(garbage, "Writes to every descriptor.")
MAZE_TASK(close_all, "Closes every descriptor.")
MAZE_TASK(copy, "Forks and returns in both.")
MAZE_TASK(inherited, "Descriptors of programs.")
