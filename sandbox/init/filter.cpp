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
  const unsigned long flags = passage >= 0 ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  const long made = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &loaded);
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
