#include "maze/sandbox/init/probe.hpp"

#include "maze/sandbox/init/landlock.hpp"
#include "maze/sandbox/init/overlay.hpp"
#include "maze/sandbox/init/slot.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <grp.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

/// Runs `attempt` in a forked child with the namespaces of `flags`; whether it returned true there.
bool works_in_child(int flags, const std::function<bool()>& attempt) {
  const auto pid = static_cast<pid_t>(::syscall(
      SYS_clone, static_cast<unsigned long>(flags | SIGCHLD), nullptr, nullptr, nullptr, 0));
  if (pid == 0)
    ::_exit(attempt() ? 0 : 1);
  if (pid < 0)
    return false;
  int status = 1;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

bool mount_fresh_proc() {
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0
         && ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
}

bool write_line(const char* path, const std::string& line) {
  const io::unique_fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

/// A scratch folder with the four folders of an overlay; gone with this object.
class overlay_folders {
public:
  explicit overlay_folders(const std::string& scratch) {
    const char* base = scratch.empty() ? std::getenv("TMPDIR") : scratch.c_str();
    root_ = std::string(base != nullptr && *base == '/' ? base : "/tmp") + "/maze-probe-XXXXXX";
    if (::mkdtemp(root_.data()) == nullptr)
      root_.clear();
    for (const char* name : {"/lower", "/upper", "/work", "/view"})
      if (!root_.empty() && ::mkdir((root_ + name).c_str(), 0755) != 0)
        root_.clear();
  }
  overlay_folders(const overlay_folders&) = delete;
  overlay_folders& operator=(const overlay_folders&) = delete;
  ~overlay_folders() {
    std::error_code ignored;
    // The kernel makes work/work with mode 0, which keeps its owner out as well.
    ::chmod((root_ + "/work/work").c_str(), 0700);
    if (!root_.empty())
      std::filesystem::remove_all(root_, ignored);
  }
  [[nodiscard]] bool ready() const { return !root_.empty(); }
  [[nodiscard]] std::string operator/(const char* name) const { return root_ + "/" + name; }

private:
  std::string root_;
};

bool overlay_works(const surroundings& around, const std::string& scratch, int idmap_fd) {
  const overlay_folders folders(scratch);
  if (!folders.ready())
    return false;
  const auto lower = folders / "lower", upper = folders / "upper", work = folders / "work",
             view = folders / "view";
  protocol::launch_view request;
  request.lower = {lower.c_str()};
  request.upper = upper.c_str();
  request.work = work.c_str();
  request.mount_point = view.c_str();
  const spawn_plan plan{.request = request, .around = around, .idmap_fd = idmap_fd};
  return works_in_child(CLONE_NEWNS, [&] {
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0
           && mount_overlay(plan).at == protocol::stage::none;
  });
}

/// What level seccomp needs besides, as far as looking tells: making all of it takes longer than all else here.
failure look_for_sealed() {
  for (const char* space : {"ipc", "uts", "net", "cgroup"})
    if (::access((std::string("/proc/self/ns/") + space).c_str(), F_OK) != 0)
      return {protocol::stage::namespaces, ENOSYS, ""};
  if (::prctl(PR_GET_SECCOMP) < 0)
    return {protocol::stage::filter, errno, ""};
  return {};
}

constexpr std::uint32_t probe_uid = 65534;

bool other_users_work() {
  return works_in_child(0, [] {
    return ::setgroups(0, nullptr) == 0 && ::setresgid(probe_uid, probe_uid, probe_uid) == 0
           && ::setresuid(probe_uid, probe_uid, probe_uid) == 0;
  });
}

} // namespace

bool settle_in_user_namespace(std::uint32_t uid, std::uint32_t gid) {
  const auto line = [](std::uint32_t id) {
    return std::to_string(id) + " " + std::to_string(id) + " 1\n";
  };
  return write_line("/proc/self/setgroups", "deny") && write_line("/proc/self/uid_map", line(uid))
         && write_line("/proc/self/gid_map", line(gid)) && mount_fresh_proc();
}

privilege probe_privilege() {
  const auto slot_works = [] {
    return works_in_child(CLONE_NEWPID | CLONE_NEWNS, mount_fresh_proc);
  };
  if (slot_works())
    return privilege::own;
  const std::uint32_t uid = ::geteuid(), gid = ::getegid();
  const bool nested = works_in_child(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS, [&] {
    return settle_in_user_namespace(uid, gid) && slot_works();
  });
  return nested ? privilege::user_namespace : privilege::none;
}

protocol::hello probe_capabilities(privilege how, const surroundings& around,
                                   const std::string& scratch) {
  protocol::hello found;
  found.version = protocol::version;
  found.pid_namespaces = how != privilege::none;
  found.user_namespaces =
      how == privilege::user_namespace || works_in_child(CLONE_NEWUSER, [] { return true; });
  found.overlay = how != privilege::none && overlay_works(around, scratch, -1);
  found.other_users = how != privilege::user_namespace && ::geteuid() == 0 && other_users_work();
  if (found.overlay && found.other_users) {
    id_maps maps;
    const int fd = maps.find_or_make(probe_uid, probe_uid);
    found.idmapped_overlay = fd >= 0 && overlay_works(around, scratch, fd);
  }
  found.landlock = landlock_version();
  const failure sealed =
      how != privilege::none ? look_for_sealed() : failure{protocol::stage::namespaces, EPERM, ""};
  found.walled =
      how == privilege::none && found.landlock >= walling_version && ::prctl(PR_GET_SECCOMP) >= 0;
  found.sealed = sealed.at == protocol::stage::none || found.walled;
  found.sealed_failed = sealed.at;
  found.sealed_errno = sealed.error_number;
  return found;
}

} // namespace maze::sandbox::init
