#include "maze/sandbox/syscall_lists.hpp"

#include "maze/sandbox/syscalls.hpp"

#include <array>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace maze::sandbox {

namespace {

constexpr std::string_view ordinary_names[] = {
    // Files.
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "lseek", "open", "openat", "openat2", "creat", "close", "close_range", "dup",
    "dup2", "dup3", "fcntl", "flock", "fsync", "fdatasync", "sync_file_range", "ftruncate",
    "truncate", "fallocate", "fadvise64", "readahead", "copy_file_range", "sendfile", "splice",
    "tee", "pipe", "pipe2", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs",
    "access", "faccessat", "faccessat2", "getdents", "getdents64", "getcwd", "chdir", "fchdir",
    "mkdir", "mkdirat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
    "unlinkat", "symlink", "symlinkat", "readlink", "readlinkat", "chmod", "fchmod", "fchmodat",
    "fchmodat2", "chown", "fchown", "lchown", "fchownat", "umask", "utime", "utimes", "utimensat",
    "futimesat", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
    "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
    // Memory.
    "munmap", "mremap", "mprotect", "madvise", "brk", "msync", "mincore", "membarrier", "mlock",
    "munlock",
    // Signals.
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigqueueinfo", "sigaltstack", "kill", "tgkill", "tkill", "pause",
    "alarm", "setitimer", "getitimer", "signalfd4", "restart_syscall", "pidfd_open",
    "pidfd_send_signal",
    // Processes and threads.
    "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid",
    "set_tid_address", "set_robust_list", "get_robust_list", "rseq", "futex", "futex_waitv",
    "futex_wake", "futex_wait", "futex_requeue", "arch_prctl", "gettid", "getpid", "getppid",
    "getpgrp", "getpgid", "setpgid", "getsid", "setsid", "sched_yield", "sched_getaffinity",
    "sched_setaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max",
    "sched_get_priority_min", "getpriority", "setpriority", "getcpu", "getuid", "geteuid", "getgid",
    "getegid", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid",
    "setfsgid", "getresuid", "getresgid", "getgroups", "capget", "uname", "sysinfo", "getrlimit",
    "setrlimit", "getrusage", "times", "getrandom",
    // Time.
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "timer_create", "timer_settime", "timer_gettime", "timer_delete", "timer_getoverrun",
    "timerfd_create", "timerfd_settime", "timerfd_gettime",
    // Waiting.
    "select", "pselect6", "poll", "ppoll", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2",
    // Sockets, of the families that `socket` gives.
    "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendmsg", "recvmsg", "sendto",
    "recvfrom", "sendmmsg", "recvmmsg", "shutdown", "getsockopt", "setsockopt", "getsockname",
    "getpeername"};

constexpr std::string_view beyond_landlock_names[] = {"setpriority", "sched_setaffinity",
                                                      "socketpair", "inotify_add_watch"};
constexpr std::string_view file_status_names[] = {
    "chmod",    "fchmod",    "fchmodat",  "fchmodat2",   "chown",        "fchown",
    "lchown",   "fchownat",  "utime",     "utimes",      "utimensat",    "futimesat",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"};
constexpr std::array<std::uint64_t, 1> local{AF_UNIX};
constexpr std::array<std::uint64_t, 2> internet{AF_INET, AF_INET6};
constexpr std::array<std::uint64_t, 1> pipes{S_IFIFO};
constexpr std::array<std::uint64_t, 9> ioctl_requests{
    TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TIOCGPGRP, FICLONE, FICLONERANGE};
constexpr std::array<std::uint64_t, 1> nvidia_types{'F' << 8};
/// UVM_INITIALIZE and UVM_DEINITIALIZE. Source: uvm_linux_ioctl.h of NVIDIA's open kernel modules.
constexpr std::array<std::uint64_t, 2> unified_memory_requests{0x30000001, 0x30000002};
constexpr std::array<std::uint64_t, 11> prctl_options{
    PR_SET_NAME,     PR_GET_NAME,     PR_SET_PDEATHSIG,      PR_GET_PDEATHSIG,
    PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_SET_NO_NEW_PRIVS,   PR_GET_NO_NEW_PRIVS,
    PR_GET_SECCOMP,  PR_SET_VMA,      PR_SET_CHILD_SUBREAPER};
constexpr std::array<std::uint64_t, 2> usual_personalities{0, 0xffffffff};

} // namespace

namespace syscall_lists {

const std::span<const std::string_view> ordinary{ordinary_names};
const std::span<const std::string_view> beyond_landlock{beyond_landlock_names};
const std::span<const std::string_view> of_file_status{file_status_names};
const std::span<const std::uint64_t> local_families{local};
const std::span<const std::uint64_t> internet_families{internet};
const std::span<const std::uint64_t> node_types{pipes};
const std::span<const std::uint64_t> ioctls{ioctl_requests};
const std::span<const std::uint64_t> gpu_types{nvidia_types};
const std::span<const std::uint64_t> unified_memory{unified_memory_requests};
const std::span<const std::uint64_t> prctls{prctl_options};
const std::span<const std::uint64_t> personalities{usual_personalities};

} // namespace syscall_lists

const std::map<std::string_view, std::vector<std::string_view>>& syscall_sets() {
  static const std::map<std::string_view, std::vector<std::string_view>> sets{
      // Shared memory, semaphores and queues of System V and POSIX: PostgreSQL.
      {"@ipc",
       {"shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget",
        "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
        "mq_notify", "mq_getsetattr"}},
      // Where memory lies: numpy with some BLAS libraries, databases.
      {"@numa",
       {"get_mempolicy", "set_mempolicy", "mbind", "move_pages", "migrate_pages",
        "set_mempolicy_home_node"}},
      // Debuggers and strace, of the child's own processes.
      {"@debug", {"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"}},
      {"@io_uring", {"io_uring_setup", "io_uring_enter", "io_uring_register"}},
      {"@aio",
       {"io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents"}},
      // Priorities of real time.
      {"@realtime",
       {"sched_setscheduler", "sched_setparam", "sched_setattr", "sched_getattr", "mlockall",
        "munlockall", "mlock2"}},
  };
  return sets;
}

} // namespace maze::sandbox
