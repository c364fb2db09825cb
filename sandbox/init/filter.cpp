#include "maze/sandbox/init/filter.hpp"

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

failure install_filter() {
  const sock_fprog loaded{static_cast<unsigned short>(program_size), program.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded) != 0)
    return {stage::filter, errno, "seccomp"};
  if (::prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER)
    return {stage::filter, EPROTO, "seccomp"};
  return {};
}

} // namespace maze::sandbox::init
