#pragma once

#include <fcntl.h>
#include <functional>
#include <span>
#include <unistd.h>

namespace maze::attack {

/// Something that a child must not be able to do. `make` runs in a process of its own and gives what a system call gives: less
/// than 0 and errno where it was refused.
struct attempt {
  const char* name;
  std::function<long()> make;
};

/// At the machine: its files, its kernel, its devices and networks.
std::span<const attempt> at_the_machine();
/// At other tasks and at the node, and at what a task may use up.
std::span<const attempt> at_others();
/// At limits: each is started alone, under the limit that it is to break.
std::span<const attempt> at_limits();

template <class... Arguments>
std::function<long()> call(long number, Arguments... arguments) {
  return [=] { return ::syscall(number, arguments...); };
}

inline std::function<long()> opens(const char* path, int flags) {
  return [=] { return static_cast<long>(::open(path, flags | O_CLOEXEC)); };
}

inline std::function<long()> makes(const char* path) {
  return [=] { return static_cast<long>(::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); };
}

/// Connects to, or listens at, a local socket without a file.
long reach_abstract(const char* name);
long listen_abstract(const char* name);

} // namespace maze::attack
