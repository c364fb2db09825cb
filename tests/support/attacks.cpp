// Tries what a sealed child must not be able to do and prints how each attempt ended, `name errno` a line. None of it does
// harm where it fails; started by an ordinary user without capabilities, each has to fail on an unguarded machine
// too, or touches this process alone. It refuses to run as root of the machine.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <iterator>
#include <linux/capability.h>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Numbers that Debian 12's headers or other processors do not have.
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

struct attempt {
  const char* name;
  std::function<long()> make;
};

template <class... Arguments>
std::function<long()> call(long number, Arguments... arguments) {
  return [=] { return ::syscall(number, arguments...); };
}

std::function<long()> opens(const char* path, int flags) {
  return [=] { return static_cast<long>(::open(path, flags | O_CLOEXEC)); };
}

std::function<long()> makes(const char* path) {
  return [=] { return static_cast<long>(::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); };
}

std::function<long()> socket_of(int family, int type) {
  return [=] { return static_cast<long>(::socket(family, type, 0)); };
}

long clone_with(unsigned long flags) {
  const long pid = ::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (pid == 0)
    ::_exit(0);
  if (pid > 0)
    ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return pid;
}

long connect_abstract() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  constexpr std::string_view name("\0maze-attack-target", 19);
  std::memcpy(to.sun_path, name.data(), name.size());
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
}

long fill(const char* path, std::size_t bytes) {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  static const std::string block(1 << 20, 'x');
  for (std::size_t done = 0; done < bytes; done += block.size())
    if (::write(fd, block.data(), block.size()) < 0)
      return -1;
  return 0;
}

long set_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct all[2]{{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
  return ::syscall(SYS_capset, &header, all);
}

const char nothing[4096]{};

const attempt attempts[] = {
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
    {"memory", opens("/dev/mem", O_RDONLY)},
    {"own_program", opens("/proc/self/exe", O_WRONLY)},
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
    {"limits_of_init",
     [] {
       const rlimit64 none{0, 0};
       return ::syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, &none, nullptr);
     }},
    {"clone3", call(SYS_clone3, nothing, 64)},
    {"setns", call(SYS_setns, 0, 0)},
    {"sethostname", call(SYS_sethostname, "x", 1)},
    // Other processes.
    {"ptrace", call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)},
    {"process_vm_readv", call(SYS_process_vm_readv, 1, nothing, 0, nothing, 0, 0)},
    {"pidfd_getfd", call(SYS_pidfd_getfd, 0, 0, 0)},
    {"kcmp", call(SYS_kcmp, ::getpid(), ::getpid(), 0, 0, 0)},
    {"kill_init", [] { return static_cast<long>(::kill(1, SIGKILL)); }},
    {"abstract_socket", [] { return connect_abstract(); }},
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
    {"keyctl", call(SYS_keyctl, 0, -3, 0)},
    {"add_key", call(SYS_add_key, "user", "x", "x", 1, -3)},
    {"request_key", call(SYS_request_key, "user", "x", nullptr, 0)},
    {"memfd_secret", call(SYS_memfd_secret, 0)},
    {"name_to_handle", call(SYS_name_to_handle_at, AT_FDCWD, "/", nothing, nothing, 0)},
    {"open_by_handle", call(SYS_open_by_handle_at, AT_FDCWD, nothing, 0)},
    {"personality", call(SYS_personality, ADDR_NO_RANDOMIZE)},
    {"fanotify", call(SYS_fanotify_init, 0, 0)},
    {"seccomp", call(SYS_seccomp, 0, 0, nullptr)},
    {"shmget", call(SYS_shmget, 0, 4096, 0600 | 01000)},
    {"semget", call(SYS_semget, 0, 1, 0600 | 01000)},
    {"msgget", call(SYS_msgget, 0, 0600 | 01000)},
    {"mq_open", call(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, nullptr)},
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
    {"packet", socket_of(AF_PACKET, SOCK_RAW)},
    {"alg", socket_of(AF_ALG, SOCK_SEQPACKET)},
    {"vsock", socket_of(AF_VSOCK, SOCK_STREAM)},
    // Terminals.
    {"tiocsti", call(SYS_ioctl, 0, TIOCSTI, nothing)},
    {"tiocsti_high", call(SYS_ioctl, 0, TIOCSTI | 0x100000000UL, nothing)},
    {"tioclinux", call(SYS_ioctl, 0, TIOCLINUX, nothing)},
    // Room.
    {"fill_tmp", [] { return fill("/tmp/full", std::size_t{400} << 20); }},
    {"fill_shm", [] { return fill("/dev/shm/full", std::size_t{400} << 20); }},
};

/// Leaves its process group, and nobody in it, and stays.
int leave_group() {
  const pid_t other = ::fork();
  if (other == 0) {
    ::setpgid(0, 0);
    for (;;)
      ::pause();
  }
  // The group is there once the other one has made it.
  while (::setpgid(0, other) != 0)
    ::sched_yield();
  for (;;)
    ::pause();
}

/// Makes a sibling that stays, and ends.
int leave_sibling() {
  const long made = ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (made == 0) {
    ::close(0);
    ::close(1);
    ::close(2);
    for (;;)
      ::pause();
  }
  std::puts(made > 0 ? "left" : ::strerrorname_np(errno));
  return 0;
}

/// A system call as 32-bit programs make it, by the gate that every x86_64 kernel leaves open.
[[maybe_unused]] void call_as_i386() {
#if defined(__x86_64__)
  long answer = 20; // getpid
  asm volatile("int $0x80" : "+a"(answer) : : "memory");
#endif
}

/// Of another architecture: ends this process where it is guarded.
int call_from_elsewhere(std::string_view how) {
  if (how == "i386")
    call_as_i386();
  else
    ::syscall(0x40000000 | SYS_getpid);
  std::puts("survived");
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  if (::getuid() == 0) {
    std::fputs("maze-attack does not run as root\n", stderr);
    return 2;
  }
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  if (wanted == "group")
    return leave_group();
  if (wanted == "sibling")
    return leave_sibling();
  if (wanted == "i386" || wanted == "x32")
    return call_from_elsewhere(wanted);
  for (const attempt& each : attempts) {
    if (!wanted.empty() && wanted != each.name)
      continue;
    errno = 0;
    const long answer = each.make();
    std::printf("%s %s\n", each.name, answer < 0 ? ::strerrorname_np(errno) : "done");
    std::fflush(stdout);
  }
  return 0;
}
