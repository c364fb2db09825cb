#include "maze/sandbox/enter/room.hpp"

#include "maze/io/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace maze::sandbox::enter {

namespace {

constexpr unsigned long own = MS_NOSUID | MS_NODEV;
/// As engines make /dev/shm.
constexpr const char* shared_memory = "mode=1777,size=65536k";

bool take_descriptors(const room& x) {
  if (::dup2(x.output, STDOUT_FILENO) < 0 || ::dup2(x.error, STDERR_FILENO) < 0)
    return false;
  const int first = STDERR_FILENO + 1;
  std::vector<int> copies;
  for (const int each : x.inherited) {
    copies.push_back(::fcntl(each, F_DUPFD_CLOEXEC, first + static_cast<int>(x.inherited.size())));
    if (copies.back() < 0)
      return false;
  }
  for (std::size_t i = 0; i < copies.size(); ++i)
    if (::dup2(copies[i], first + static_cast<int>(i)) < 0)
      return false;
  return true;
}

bool is_there(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0;
}

/// Where /tmp or another place of the task's own is above it, it is not there any more.
bool make_folders(const std::string& path) {
  for (auto end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (!is_there(part.c_str()) && ::mkdir(part.c_str(), 0755) != 0)
      return false;
    if (end == std::string::npos)
      return true;
  }
}

/// Puts what `tree` holds, a folder or a file, under a path that may have been covered.
bool show_again(const io::unique_fd& tree, const std::string& path) {
  struct stat status {};
  if (::fstat(tree.get(), &status) != 0)
    return false;
  const bool is_folder = S_ISDIR(status.st_mode);
  if (!make_folders(is_folder ? path : path.substr(0, path.rfind('/'))))
    return false;
  if (!is_folder) {
    const io::unique_fd file(::open(path.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0444));
    if (!file)
      return false;
  }
  return ::move_mount(tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

/// What one task leaves in them is not there for the next.
bool make_places(const room& x) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return false;
  std::vector<io::unique_fd> trees;
  for (const std::string& path : x.shown) {
    trees.emplace_back(
        ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!trees.back())
      return false;
  }
  const std::string temporary = "mode=1777,size=" + std::to_string(x.temporary);
  if (::mount("tmpfs", "/tmp", "tmpfs", own, temporary.c_str()) != 0)
    return false;
  if (is_there("/dev/shm")
      && ::mount("shm", "/dev/shm", "tmpfs", own | MS_NOEXEC, shared_memory) != 0)
    return false;
  for (std::size_t i = 0; i < trees.size(); ++i)
    if (!show_again(trees[i], x.shown[i]))
      return false;
  return !is_there("/dev/mqueue")
         || ::mount("mqueue", "/dev/mqueue", "mqueue", own | MS_NOEXEC, nullptr) == 0;
}

/// Nothing but this task's folder is below that of all.
bool show_folder(const room& x) {
  if (x.folder < 0)
    return true;
  const char* const path = x.path.c_str();
  return make_folders(x.folders)
         && ::mount("tmpfs", x.folders.c_str(), "tmpfs", own | MS_NOEXEC, "mode=755,size=64k") == 0
         && make_folders(x.path)
         && ::move_mount(x.folder, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0
         && ::mount(nullptr, path, nullptr, MS_BIND | MS_REMOUNT | own, nullptr) == 0
         && ::mount(nullptr, x.folders.c_str(), nullptr,
                    MS_BIND | MS_REMOUNT | MS_RDONLY | own | MS_NOEXEC, nullptr)
                == 0;
}

bool become(const room& x) {
  if (x.uid == 0 || x.gid == 0) {
    errno = EPERM;
    return false;
  }
  for (unsigned long each = 0; ::prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each)
    if (::prctl(PR_CAPBSET_DROP, each, 0, 0, 0) != 0)
      return false;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(x.gid, x.gid, x.gid) != 0
      || ::setresuid(x.uid, x.uid, x.uid) != 0)
    return false;
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capset, &head, none) == 0;
}

} // namespace

const char* move_into(const room& x) {
  if (!take_descriptors(x))
    return "stdio";
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0)
    return "namespaces";
  if (!make_places(x))
    return "mounts";
  if (!show_folder(x))
    return "folder";
  return become(x) ? nullptr : "user";
}

} // namespace maze::sandbox::enter
