#include "support/attacks.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <vector>

namespace maze::attack {

namespace {

/// Several times what a child under a limit of memory may have.
constexpr std::size_t too_much = std::size_t{128} << 20;

/// The error of what refused, once there is enough of it that nobody refuses.
long hold(std::size_t bytes, std::size_t at_a_time, auto&& take) {
  for (std::size_t held = 0; held < bytes; held += at_a_time)
    if (!take())
      return -1;
  return 0;
}

bool touch(std::size_t size, int flags) {
  void* const place = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED)
    return false;
  std::memset(place, 1, size);
  return true;
}

long take_memory() {
  constexpr std::size_t step = 1 << 20;
  return hold(too_much, step, [] { return touch(step, MAP_PRIVATE); });
}

/// No process of them has more than a part.
long take_memory_together() {
  constexpr std::size_t parts = 8;
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    return -1;
  std::array<pid_t, parts> made{};
  for (pid_t& each : made)
    if ((each = ::fork()) == 0) {
      touch(too_much / parts, MAP_PRIVATE);
      ::close(ends[1]);
      ::pause();
    }
  // Ends when each has its part, or is dead.
  ::close(ends[1]);
  char none = 0;
  static_cast<void>(::read(ends[0], &none, 1));
  for (const pid_t each : made)
    ::kill(each, SIGKILL);
  return 0;
}

long take_memory_in_files(int file) {
  static const std::string block(1 << 20, 'x');
  return hold(too_much, block.size(),
              [file] { return ::write(file, block.data(), block.size()) > 0; });
}

/// What lies in buffers of the kernel, in as many of them as the child may open.
long take_memory_in_buffers(int (*make)(int*)) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  static const std::string block(1 << 12, 'x');
  for (std::size_t held = 0; held < too_much;) {
    std::array<int, 2> ends{};
    if (make(ends.data()) != 0)
      return -1;
    while (::write(ends[1], block.data(), block.size()) > 0)
      held += block.size();
  }
  return 0;
}

long take_memory_in_pipes() {
  return take_memory_in_buffers([](int* ends) { return ::pipe2(ends, O_NONBLOCK); });
}

long take_memory_in_sockets() {
  return take_memory_in_buffers(
      [](int* ends) { return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends); });
}

long make_processes() {
  std::vector<pid_t> made;
  int why = 0;
  while (made.size() < 200) {
    const pid_t pid = ::fork();
    if (pid == 0)
      for (;;)
        ::pause();
    if (pid < 0) {
      why = errno;
      break;
    }
    made.push_back(pid);
  }
  for (const pid_t each : made)
    ::kill(each, SIGKILL);
  for (const pid_t each : made)
    ::waitpid(each, nullptr, 0);
  errno = why;
  return why == 0 ? 0 : -1;
}

long make_threads() {
  try {
    for (int i = 0; i < 200; ++i)
      std::thread([] { ::pause(); }).detach();
  } catch (const std::system_error& refused) {
    errno = refused.code().value();
    return -1;
  }
  return 0;
}

long open_files() {
  for (int i = 0; i < 5000; ++i)
    if (::dup(0) < 0)
      return -1;
  return 0;
}

long write_large_file() { return ::ftruncate(::creat("large", 0600), 1 << 24); }

long use_cores() {
  for (int i = 0; i < 2; ++i)
    if (::fork() == 0)
      break;
  for (;;)
    asm volatile("");
}

const attempt limit_attempts[] = {
    {"memory", take_memory},
    {"memory_together", take_memory_together},
    {"memory_in_files", [] { return take_memory_in_files(::memfd_create("large", 0)); }},
    {"memory_in_shm",
     [] { return take_memory_in_files(::open("/dev/shm/large", O_RDWR | O_CREAT, 0600)); }},
    {"memory_in_pipes", take_memory_in_pipes},
    {"memory_in_sockets", take_memory_in_sockets},
    {"processes", make_processes},
    {"threads", make_threads},
    {"open_files", open_files},
    {"large_file", write_large_file},
    {"cores", use_cores},
};

} // namespace

std::span<const attempt> at_limits() { return limit_attempts; }

} // namespace maze::attack
