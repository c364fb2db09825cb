#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace maze::sandbox {

/// Which system calls a child may make. All that ordinary programs need is allowed: files, processes, memory, time,
/// signals, pipes and local sockets. What reaches past the child's own world is not: other namespaces, mounts, tracing,
/// kernel objects without an owner, new privileges.
struct syscall_policy {
  /// Sockets of the internet too.
  bool network = false;
  /// Requests to NVIDIA's driver too.
  bool gpus = false;
  /// The child has no namespaces: what would reach past Landlock is not allowed either. Local sockets lead to programs of
  /// the machine, priorities can be those of other processes.
  bool walled = false;
  /// Its user has nothing but its taskspace. If not, and without namespaces, modes, owners, times and attributes of
  /// files, which Landlock does not guard, cannot be changed.
  bool own_user = false;
  /// What is not allowed waits until the listener of the filter has been told (seccomp_unotify(2)), instead of failing.
  bool told = false;
  /// Allowed besides, whatever their arguments: names, numbers in decimal, and the sets of `syscall_sets`.
  std::vector<std::string> more;

  friend bool operator==(const syscall_policy&, const syscall_policy&) = default;
  friend auto operator<=>(const syscall_policy&, const syscall_policy&) = default;
};

/// Names with `@` for what some kinds of programs need together.
const std::map<std::string_view, std::vector<std::string_view>>& syscall_sets();

/// Whether every entry of `more` means something on this machine. Fails with `invalid_argument` naming the first that does
/// not and what was probably meant.
core::result<void> check_syscalls(const std::vector<std::string>& more);

/// Whether some arguments of the system call are allowed and others are not.
bool is_allowed_in_part(std::string_view name);

/// How this machine calls a system call; its number where it has no name.
std::string syscall_name(int number);

/// The policy as a program for seccomp(2), an array of `sock_filter`. What is not allowed fails with EPERM, or is told; numbers that
/// are newer than this build knows and clone3 with ENOSYS, so that programs take the older way; calls of another
/// architecture end the process with SIGSYS. Fails with `invalid_argument` as `check_syscalls` does, with
/// `unsupported_operation` on an architecture without a list, else with `io_error`.
core::result<std::string> compile_syscalls(const syscall_policy& policy);

/// Programs that were compiled, in sealed files that go to maze-init as they are.
///
/// @note Thread-safe.
class syscall_filters {
public:
  /// Compiles at the first request. Errors are those of `compile_syscalls`.
  core::result<std::shared_ptr<const io::unique_fd>> get(const syscall_policy& policy);

private:
  /// Policies, at most; more than that are compiled again and again.
  static constexpr std::size_t kept_max = 256;

  std::mutex mutex_;
  std::map<syscall_policy, std::shared_ptr<const io::unique_fd>> made_;
};

} // namespace maze::sandbox
