#include "maze/sandbox/init/filter.hpp"

#include "maze/sandbox/init/listener.hpp"

#include <array>
#include <cerrno>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::sandbox::init {

namespace {

using protocol::stage;

/// Children borrow this process' memory one after the other, so one place does for all.
std::array<sock_filter, BPF_MAXINSNS + 1> program;
std::size_t program_size = 0;

} // namespace

failure read_filter(int program_fd) {
  program_size = 0;
  const auto size = ::pread(program_fd, program.data(), sizeof program, 0);
  if (size < 0)
    return {stage::filter, errno, "filter program"};
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes == 0 || bytes % sizeof(sock_filter) != 0 || bytes / sizeof(sock_filter) > BPF_MAXINSNS)
    return {stage::filter, EINVAL, "filter program"};
  program_size = bytes / sizeof(sock_filter);
  return {};
}

failure install_filter(int passage) {
  const sock_fprog loaded{static_cast<unsigned short>(program_size), program.data()};
  const auto load = [&loaded](unsigned long flags) {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &loaded);
  };
  // What a listener was told of, only death takes out of its call: kernels before 5.19 do not know that.
  constexpr unsigned long listening = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long made = load(passage >= 0 ? listening | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0);
  if (made < 0 && errno == EINVAL && passage >= 0)
    made = load(listening);
  if (made < 0)
    return {stage::filter, errno, passage >= 0 ? "listener" : "seccomp"};
  if (::prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER)
    return {stage::filter, EPROTO, "seccomp"};
  // The child's own copy goes when it executes its program.
  if (passage >= 0 && !hand_over(passage, static_cast<int>(made)))
    return {stage::filter, errno, "listener"};
  return {};
}

} // namespace maze::sandbox::init
