#include "support/attacks.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace maze::attack {

namespace {

/// A number that Debian 12's headers do not have.
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

const char nothing[4096]{};

std::function<long()> socket_of(int family, int type, int protocol = 0) {
  return [=] { return static_cast<long>(::socket(family, type, protocol)); };
}

long clone_with(unsigned long flags) {
  const long pid = ::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (pid == 0)
    ::_exit(0);
  if (pid > 0)
    ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return pid;
}

/// In each size that the structure of clone3 has had, and in some that it never had. The first answer that is not ENOSYS counts.
long clone3_of_any_size() {
  constexpr std::size_t exit_signal = 4;
  unsigned long arguments[512]{CLONE_NEWUSER};
  arguments[exit_signal] = SIGCHLD;
  for (const std::size_t size : {64, 80, 88, 0, 8, 63, 96, 4096}) {
    const long pid = ::syscall(SYS_clone3, arguments, size);
    if (pid == 0)
      ::_exit(0);
    if (pid > 0 || errno != ENOSYS)
      return pid;
  }
  return -1;
}

long enter_own_namespace() {
  return ::syscall(SYS_setns, ::open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), 0);
}

long set_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct all[2]{{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
  return ::syscall(SYS_capset, &header, all);
}

/// Makes a link in the taskspace to a file of the machine and reads through it.
long follow_planted_link() {
  ::unlink("planted");
  if (::symlink("/var/lib/dpkg/status", "planted") != 0)
    return 0;
  return ::open("planted", O_RDONLY | O_CLOEXEC);
}

const attempt machine_attempts[] = {
    // Files of the machine.
    {"shadow", opens("/etc/shadow", O_RDONLY)},
    {"root_home", opens("/root", O_RDONLY | O_DIRECTORY)},
    {"through_proc_root", opens("/proc/1/root/etc/shadow", O_RDONLY)},
    {"dots", opens("../../../../../../../../etc/shadow", O_RDONLY)},
    {"var_tmp", makes("/var/tmp/maze-attack")},
    {"usr", makes("/usr/maze-attack")},
    {"slash", makes("/maze-attack")},
    {"etc", makes("/etc/maze-attack")},
    {"init_environment", opens("/proc/1/environ", O_RDONLY)},
    {"init_memory", opens("/proc/1/mem", O_RDWR)},
    {"core_pattern", opens("/proc/sys/kernel/core_pattern", O_WRONLY)},
    {"sysrq", opens("/proc/sysrq-trigger", O_WRONLY)},
    {"cgroup", opens("/sys/fs/cgroup/cgroup.procs", O_WRONLY)},
    {"disk", opens("/dev/vda", O_RDONLY)},
    {"memory_device", opens("/dev/mem", O_RDONLY)},
    {"own_program", opens("/proc/self/exe", O_WRONLY)},
    {"world_readable", opens("/var/lib/dpkg/status", O_RDONLY)},
    {"planted_link", follow_planted_link},
    {"nameless_file", [] { return long{::open("/usr", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)}; }},
    {"reopened_file",
     [] {
       if (::open("/etc/passwd", O_RDONLY) != 3)
         return -1L;
       return long{::open("/proc/self/fd/3", O_RDWR | O_CLOEXEC)};
     }},
    {"device_times", call(SYS_utimensat, AT_FDCWD, "/dev/null", nullptr, 0)},
    // Mounts and namespaces.
    {"mount", call(SYS_mount, "none", "/tmp", "tmpfs", 0UL, nullptr)},
    {"umount", call(SYS_umount2, "/proc", 2)},
    {"pivot_root", call(SYS_pivot_root, "/tmp", "/tmp")},
    {"chroot", call(SYS_chroot, "/tmp")},
    {"open_tree", call(SYS_open_tree, AT_FDCWD, "/", 1)},
    {"move_mount", call(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/tmp", 0)},
    {"fsopen", call(SYS_fsopen, "tmpfs", 0)},
    {"mount_setattr", call(SYS_mount_setattr, AT_FDCWD, "/", 0, nothing, 32)},
    {"unshare_user", call(SYS_unshare, CLONE_NEWUSER)},
    {"clone_user", [] { return clone_with(CLONE_NEWUSER); }},
    {"clone_net", [] { return clone_with(CLONE_NEWNET); }},
    {"clone_sibling", [] { return clone_with(CLONE_PARENT); }},
    {"clone3", clone3_of_any_size},
    {"setns", enter_own_namespace},
    {"sethostname", call(SYS_sethostname, "x", 1)},
    {"kcmp", call(SYS_kcmp, ::getpid(), ::getpid(), 0, 0, 0)},
    // Privileges.
    {"setuid", call(SYS_setuid, 0)},
    {"setresuid", call(SYS_setresuid, 0, 0, 0)},
    {"setgroups", call(SYS_setgroups, 0, nullptr)},
    {"capset", [] { return set_capabilities(); }},
    {"mknod", call(SYS_mknodat, AT_FDCWD, "disk", S_IFBLK | 0600, 0x0800)},
    // Parts of the kernel that have been the way out before.
    {"bpf", call(SYS_bpf, 0, nothing, 0)},
    {"perf_event_open", call(SYS_perf_event_open, nothing, 0, -1, -1, 0)},
    {"userfaultfd", call(SYS_userfaultfd, 0)},
    {"io_uring", call(SYS_io_uring_setup, 1, nothing)},
    {"ring_of_others", call(SYS_io_uring_enter, 3, 1, 0, 0, nullptr, 0)},
    {"ring_registration", call(SYS_io_uring_register, 3, 0, nothing, 0)},
    {"keyctl", call(SYS_keyctl, 0, -3, 0)},
    {"add_key", call(SYS_add_key, "user", "x", "x", 1, -3)},
    {"request_key", call(SYS_request_key, "user", "x", nullptr, 0)},
    {"memfd_secret", call(SYS_memfd_secret, 0)},
    {"name_to_handle", call(SYS_name_to_handle_at, AT_FDCWD, "/", nothing, nothing, 0)},
    {"open_by_handle", call(SYS_open_by_handle_at, AT_FDCWD, nothing, 0)},
    {"personality", call(SYS_personality, ADDR_NO_RANDOMIZE)},
    {"fanotify", call(SYS_fanotify_init, 0, 0)},
    {"seccomp", call(SYS_seccomp, 0, 0, nullptr)},
    {"syslog", call(SYS_syslog, 3, nothing, 0)},
    {"quotactl", call(SYS_quotactl, 0, nullptr, 0, nullptr)},
    {"acct", call(SYS_acct, nullptr)},
    {"swapoff", call(SYS_swapoff, "/none")},
    {"reboot", call(SYS_reboot, 0, 0, 0, nullptr)},
    {"init_module", call(SYS_init_module, nothing, 0, "")},
    {"kexec", call(SYS_kexec_load, 0, 0, nothing, 0)},
    {"settimeofday", call(SYS_settimeofday, nothing, nullptr)},
    {"clock_settime", call(SYS_clock_settime, 0, nothing)},
    {"mbind", call(SYS_mbind, 0, 0, 0, nothing, 0, 0)},
#if defined(__x86_64__)
    {"modify_ldt", call(SYS_modify_ldt, 0, nothing, 0)},
    {"iopl", call(SYS_iopl, 3)},
    {"ioperm", call(SYS_ioperm, 0, 1, 1)},
#endif
    {"beyond_all_numbers", call(4000)},
    // Sockets.
    {"inet", socket_of(AF_INET, SOCK_STREAM)},
    {"inet_udp", socket_of(AF_INET, SOCK_DGRAM)},
    {"inet6", socket_of(AF_INET6, SOCK_STREAM)},
    {"netlink", socket_of(AF_NETLINK, SOCK_RAW)},
    {"netlink_audit", socket_of(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)},
    {"netlink_filter", socket_of(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)},
    {"netlink_sockets", socket_of(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)},
    {"netlink_events", socket_of(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)},
    {"packet", socket_of(AF_PACKET, SOCK_RAW)},
    {"alg", socket_of(AF_ALG, SOCK_SEQPACKET)},
    {"vsock", socket_of(AF_VSOCK, SOCK_STREAM)},
    // Terminals.
    {"terminal", opens("/dev/tty", O_RDWR)},
    {"tiocsti", call(SYS_ioctl, 0, TIOCSTI, nothing)},
    {"tiocsti_high", call(SYS_ioctl, 0, TIOCSTI | 0x100000000UL, nothing)},
    {"tioclinux", call(SYS_ioctl, 0, TIOCLINUX, nothing)},
};

} // namespace

std::span<const attempt> at_the_machine() { return machine_attempts; }

} // namespace maze::attack
