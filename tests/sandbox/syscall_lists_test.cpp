#include "maze/sandbox/syscall_lists.hpp"

#include "maze/sandbox/syscalls.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>

using namespace maze::sandbox;

namespace {

const std::span<const std::string_view> all = syscall_lists::ordinary;

bool is_ordinary(std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

} // namespace

TEST_CASE("no system call is listed twice", "[sandbox][syscalls]") {
  CHECK(std::set<std::string_view>(all.begin(), all.end()).size() == all.size());
  for (const auto& [set, names] : syscall_sets())
    for (const std::string_view name : names) {
      INFO(set << " " << name);
      CHECK_FALSE(is_ordinary(name));
    }
}

TEST_CASE("what is not for children without namespaces is for the others", "[sandbox][syscalls]") {
  for (const auto list : {syscall_lists::beyond_landlock, syscall_lists::of_file_status})
    for (const std::string_view name : list) {
      INFO(name);
      CHECK(is_ordinary(name));
    }
}

TEST_CASE("listed system calls exist, but for what newer and other machines have",
          "[sandbox][syscalls]") {
  std::size_t unknown = 0;
  for (const std::string_view name : all)
    unknown += check_syscalls({std::string(name)}) ? 0 : 1;
  CHECK(unknown < 40);
}

TEST_CASE("no ordinary program reaches past its own world", "[sandbox][syscalls]") {
  for (const char* name : {"ptrace",
                           "process_vm_readv",
                           "process_vm_writev",
                           "pidfd_getfd",
                           "bpf",
                           "mount",
                           "umount2",
                           "pivot_root",
                           "chroot",
                           "unshare",
                           "setns",
                           "fsopen",
                           "open_tree",
                           "move_mount",
                           "mount_setattr",
                           "keyctl",
                           "add_key",
                           "request_key",
                           "perf_event_open",
                           "userfaultfd",
                           "io_uring_setup",
                           "capset",
                           "mknod",
                           "mknodat",
                           "init_module",
                           "finit_module",
                           "kexec_load",
                           "reboot",
                           "swapon",
                           "settimeofday",
                           "clock_settime",
                           "sethostname",
                           "syslog",
                           "quotactl",
                           "acct",
                           "open_by_handle_at",
                           "name_to_handle_at",
                           "seccomp",
                           "fanotify_init",
                           "memfd_secret",
                           "kcmp",
                           "shmget",
                           "msgget",
                           "semget",
                           "mq_open",
                           "personality",
                           "prctl",
                           "ioctl",
                           "socket",
                           "mmap",
                           "memfd_create",
                           "clone",
                           "clone3",
                           "modify_ldt",
                           "iopl"}) {
    INFO(name);
    CHECK_FALSE(is_ordinary(name));
  }
}
