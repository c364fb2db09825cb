#include "support/attacks.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <linux/capability.h>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

namespace maze::attack {

namespace {

/// Numbers and structures that the library gives no names to.
constexpr int ioprio_realtime = 1 << 13;
struct deadline_attributes {
  std::uint32_t size = 48;
  std::uint32_t policy = 6;
  std::uint64_t flags = 0;
  std::uint64_t nice_and_priority = 0;
  std::uint64_t runtime = 1'000'000;
  std::uint64_t deadline = 10'000'000;
  std::uint64_t period = 10'000'000;
};

long refused_with(int number) {
  errno = number;
  return -1;
}

struct abstract_address {
  explicit abstract_address(std::string_view name)
      : size(static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())) {
    place.sun_family = AF_UNIX;
    std::memcpy(place.sun_path + 1, name.data(), name.size());
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&place); }

  sockaddr_un place{};
  socklen_t size;
};

std::string read_start(const std::string& path) {
  std::array<char, 4096> text{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto size = ::read(fd, text.data(), text.size());
  ::close(fd);
  return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

long write_to(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  return fd < 0 ? fd : ::write(fd, text, std::strlen(text));
}

/// A process of maze's, or of another task: whatever it finds beside its own tree and the first process of its namespace.
long see_strangers() {
  DIR* const processes = ::opendir("/proc");
  while (const dirent* each = processes == nullptr ? nullptr : ::readdir(processes)) {
    const std::string_view name = each->d_name;
    if (name.find_first_not_of("0123456789") != std::string_view::npos || name == "1")
      continue;
    const auto command = read_start("/proc/" + std::string(name) + "/cmdline");
    if (command.find("maze-init") != std::string::npos
        || command.find("_tests") != std::string::npos
        || command.find(std::string_view("maze-attack\0found", 17)) != std::string::npos)
      return 0;
  }
  return refused_with(ESRCH);
}

long take_from_init() {
  const long init = ::syscall(SYS_pidfd_open, 1, 0);
  return init < 0 ? init : ::syscall(SYS_pidfd_getfd, init, 0, 0);
}

long limit_init() {
  const rlimit64 none{0, 0};
  return ::syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, &none, nullptr);
}

long be_traced_by_parent() { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }

long reach_program_of_machine() {
  const char* const name = std::getenv("MAZE_ATTACK_SOCKET");
  return name == nullptr ? refused_with(ENOENT) : reach_abstract(name);
}

/// Beside the streams nothing is open.
long find_descriptors() {
  for (int fd = STDERR_FILENO + 1; fd < 1024; ++fd)
    if (::fcntl(fd, F_GETFD) >= 0)
      return fd;
  return -1;
}

/// Whether `program`, with the bit that changes its user, has another user than before.
long run_as_owner(const char* program) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(program, program, "user", nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
    return 0;
  return refused_with(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EPERM : ENOEXEC);
}

long run_owned_program() {
  const char* const program = std::getenv("MAZE_ATTACK_PROGRAM");
  return program == nullptr ? refused_with(ENOENT) : run_as_owner(program);
}

long run_program_in_memory() {
  const char* const program = std::getenv("MAZE_ATTACK_PROGRAM");
  const int from = ::open(program == nullptr ? "" : program, O_RDONLY | O_CLOEXEC);
  const int copy = ::memfd_create("program", 0);
  std::array<char, 1 << 16> block{};
  for (ssize_t size = 0; (size = ::read(from, block.data(), block.size())) > 0;)
    if (::write(copy, block.data(), static_cast<std::size_t>(size)) != size)
      return 0;
  if (::fchown(copy, 0, 0) == 0)
    return 0;
  if (::fchmod(copy, 06755) != 0)
    return -1;
  return run_as_owner(("/proc/self/fd/" + std::to_string(copy)).c_str());
}

long give_file_capabilities() {
  ::close(::open("capable", O_WRONLY | O_CREAT | O_CLOEXEC, 0700));
  vfs_cap_data all{};
  all.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  all.data[0] = {~0U, ~0U};
  all.data[1] = {~0U, ~0U};
  return ::setxattr("capable", "security.capability", &all, XATTR_CAPS_SZ_2, 0);
}

/// Past the protection of a mapping: the file below must stay as it is.
long write_through_own_memory() {
  constexpr const char* path = "/usr/lib/os-release";
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  const int memory = ::open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (memory < 0)
    return -1;
  const auto before = read_start(path);
  for (const int how : {MAP_PRIVATE, MAP_SHARED}) {
    void* const place = ::mmap(nullptr, 4096, PROT_READ, how, file, 0);
    static_cast<void>(::pwrite(memory, "~", 1, reinterpret_cast<off_t>(place)));
  }
  return read_start(path) == before ? refused_with(EACCES) : 0;
}

long dump_core() {
  const pid_t pid = ::fork();
  if (pid == 0)
    ::abort();
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WCOREDUMP(status) ? 0 : refused_with(EFBIG);
}

long fill(const char* path, std::size_t bytes) {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  static const std::string block(1 << 20, 'x');
  if (fd < 0)
    return fd;
  long out = 0;
  for (std::size_t done = 0; done < bytes && out >= 0; done += block.size())
    out = ::write(fd, block.data(), block.size());
  const int why = errno;
  ::unlink(path);
  return out < 0 ? refused_with(why) : 0;
}

long fill_with_names() {
  for (int i = 0; i < 80'000; ++i) {
    const int fd = ::open(("/tmp/name" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT, 0600);
    if (fd < 0)
      return fd;
    ::close(fd);
  }
  return 0;
}

long watch_without_end() {
  for (;;)
    if (::inotify_init1(IN_CLOEXEC) < 0)
      return -1;
}

long be_of_real_time() {
  const sched_param first{.sched_priority = 1};
  return ::syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first);
}

long have_deadlines() {
  deadline_attributes wanted;
  return ::syscall(SYS_sched_setattr, 0, &wanted, 0);
}

long see_robust_list() {
  void* head = nullptr;
  std::size_t size = 0;
  return ::syscall(SYS_get_robust_list, 1, &head, &size);
}

long map_huge_page() {
  void* const place = ::mmap(nullptr, std::size_t{2} << 20, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  return place == MAP_FAILED ? -1 : 0;
}

const attempt other_attempts[] = {
    // Other processes, those of the node among them.
    {"see_strangers", see_strangers},
    {"ptrace", be_traced_by_parent},
    {"trace_init", call(SYS_ptrace, PTRACE_SEIZE, 1, 0, 0)},
    {"process_vm_readv", call(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0)},
    {"pidfd_getfd", take_from_init},
    {"kill_init", [] { return long{::kill(1, SIGKILL)}; }},
    {"limits_of_init", limit_init},
    {"robust_list", see_robust_list},
    {"root_of_init", opens("/proc/1/root", O_PATH)},
    {"abstract_socket", reach_program_of_machine},
    {"descriptors", find_descriptors},
    // What another task left or uses.
    {"shm_of_task", opens("/dev/shm/maze-attack-task", O_RDONLY)},
    {"tmp_of_task", opens("/tmp/maze-attack-task", O_RDONLY)},
    {"socket_of_task", [] { return reach_abstract("maze-attack-task"); }},
    {"shmget", call(SYS_shmget, 0, 4096, 0600 | 01000)},
    {"semget", call(SYS_semget, 0, 1, 0600 | 01000)},
    {"msgget", call(SYS_msgget, 0, 0600 | 01000)},
    {"mq_open", call(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, nullptr)},
    // More rights than it began with.
    {"owned_program", run_owned_program},
    {"program_in_memory", run_program_in_memory},
    {"file_capability", give_file_capabilities},
    {"own_memory", write_through_own_memory},
    {"core_file", dump_core},
    {"core_filter", [] { return write_to("/proc/self/coredump_filter", "0xff"); }},
    // More of the machine than its share.
    {"session_share", [] { return write_to("/proc/self/autogroup", "19"); }},
    {"last_to_be_killed", [] { return write_to("/proc/self/oom_score_adj", "-1000"); }},
    {"real_time", be_of_real_time},
    {"deadlines", have_deadlines},
    {"disk_first", call(SYS_ioprio_set, 1, 0, ioprio_realtime)},
    {"nice", [] { return ::nice(-20) == -1 ? -1L : 0L; }},
    {"huge_page", map_huge_page},
    {"huge_file", [] { return long{::memfd_create("huge", MFD_HUGETLB)}; }},
    {"memory_lock", call(SYS_mlockall, 3)},
    {"watches", watch_without_end},
    {"fill_tmp", [] { return fill("/tmp/full", std::size_t{400} << 20); }},
    {"fill_shm", [] { return fill("/dev/shm/full", std::size_t{400} << 20); }},
    {"fill_names", fill_with_names},
};

} // namespace

long reach_abstract(const char* name) {
  const abstract_address to(name);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  return fd < 0 ? fd : ::connect(fd, to.get(), to.size);
}

long listen_abstract(const char* name) {
  const abstract_address at(name);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  return ::bind(fd, at.get(), at.size) == 0 ? ::listen(fd, 1) : -1;
}

std::span<const attempt> at_others() { return other_attempts; }

} // namespace maze::attack
