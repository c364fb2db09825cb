#include "maze/sandbox/init/root.hpp"

#include "maze/sandbox/init/fault.hpp"
#include "maze/sandbox/machine_places.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <string_view>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::sandbox::init {

namespace {

using protocol::stage;

/// Covered with the new root until that is the root: every Linux has it, and nothing of it is needed afterwards.
constexpr const char* site = "/tmp";
constexpr std::uint64_t never_written = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::uint64_t never_special = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
/// Written to all the same: what cannot be changed is the machine's file, its times for example.
constexpr std::uint64_t device = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;

constexpr std::array devices{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
constexpr std::array<std::pair<const char*, const char*>, 4> device_links{{
    {"/proc/self/fd", "dev/fd"},
    {"/proc/self/fd/0", "dev/stdin"},
    {"/proc/self/fd/1", "dev/stdout"},
    {"/proc/self/fd/2", "dev/stderr"},
}};
/// What only shows other worlds' state.
constexpr std::array hidden_in_proc{"proc/kcore", "proc/keys", "proc/kmsg", "proc/timer_list",
                                    "proc/sysrq-trigger"};

failure failed(const char* subject) { return {stage::root, errno, subject}; }

bool good(const failure& x) { return x.at == stage::none; }

/// Something of the old root, held until the new one has a place for it.
struct piece {
  const char* path = "";
  /// -1: a symbolic link, which is made again.
  int tree = -1;
  bool folder = false;
  std::array<char, 256> target{};
};

/// The pieces of one child, or of a slot's base. Children borrow maze-init's memory one after the other, so one set does for all.
class piece_list {
public:
  void clear() { count_ = 0; }
  [[nodiscard]] piece* begin() { return pieces_.data(); }
  [[nodiscard]] piece* end() { return pieces_.data() + count_; }
  /// By length of the path.
  void sort() {
    std::sort(begin(), end(), [](const piece& a, const piece& b) {
      return std::strlen(a.path) < std::strlen(b.path);
    });
  }

  /// Takes `path` with all that is mounted below it, or what it leads to if it is a symbolic link.
  failure lift(const char* path, std::uint64_t attributes) {
    const io::unique_fd place(::open(path, O_PATH | O_CLOEXEC));
    struct stat found {};
    if (!place || ::fstat(place.get(), &found) != 0)
      return failed(path);
    // Whatever name led there: a link of somebody's own says nothing of where it leads.
    if (is_machines(place.get(), found))
      return {stage::root, EPERM, path};
    return take(path, found, S_ISCHR(found.st_mode) ? device : attributes, place.get());
  }
  /// The same for part of a base: passed over where there is none, and a symbolic link stays one.
  failure lift_if_there(const char* path, std::uint64_t attributes) {
    struct stat found {};
    if (::lstat(path, &found) != 0)
      return errno == ENOENT || errno == ENOTDIR ? failure{} : failed(path);
    return take(path, found, attributes);
  }

private:
  failure take(const char* path, const struct stat& found, std::uint64_t attributes,
               int place = -1) {
    if (count_ == pieces_.size())
      return {stage::root, E2BIG, path};
    piece& made = pieces_[count_];
    made.path = path;
    made.folder = S_ISDIR(found.st_mode);
    made.tree = -1;
    if (S_ISLNK(found.st_mode)) {
      const auto size = ::readlink(path, made.target.data(), made.target.size() - 1);
      if (size < 0 || static_cast<std::size_t>(size) == made.target.size() - 1)
        return {stage::root, size < 0 ? errno : ENAMETOOLONG, path};
      made.target[static_cast<std::size_t>(size)] = '\0';
    } else {
      constexpr unsigned how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
      made.tree = place < 0 ? ::open_tree(AT_FDCWD, path, how)
                            : ::open_tree(place, "", how | AT_EMPTY_PATH);
      if (made.tree < 0)
        return failed(path);
      struct mount_attr wanted {};
      wanted.attr_set = attributes;
      // What the machine mounts there later is not for this child, and would come with other attributes.
      wanted.propagation = MS_PRIVATE;
      if (::mount_setattr(made.tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted) != 0)
        return failed(path);
    }
    ++count_;
    return {};
  }

  // Of a child: what it asks for, and its taskspace. Of a base: paths of the machine and devices.
  std::array<piece, 2 * protocol::shown_max + devices.size() + 1> pieces_{};
  std::size_t count_ = 0;
};

piece_list pieces;

/// Makes the folders above `path`, which is relative to the new root.
bool make_parents(const char* path) {
  std::array<char, PATH_MAX> part{};
  for (const char* at = std::strchr(path, '/'); at != nullptr; at = std::strchr(at + 1, '/')) {
    const auto size = static_cast<std::size_t>(at - path);
    if (size + 1 > part.size()) {
      errno = ENAMETOOLONG;
      return false;
    }
    std::memcpy(part.data(), path, size);
    part[size] = '\0';
    if (::mkdir(part.data(), 0755) != 0 && errno != EEXIST)
      return false;
  }
  return true;
}

/// An empty folder or file to mount on, unless there is something already.
bool make_place(const char* path, bool folder) {
  struct stat found {};
  if (::lstat(path, &found) == 0)
    return true;
  if (!make_parents(path))
    return false;
  if (folder)
    return ::mkdir(path, 0755) == 0;
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  return fd >= 0 && ::close(fd) == 0;
}

failure put(const piece& x) {
  const char* const place = x.path + 1;
  if (x.tree < 0) {
    if (!make_parents(place) || (::symlink(x.target.data(), place) != 0 && errno != EEXIST))
      return failed(x.path);
    return {};
  }
  const bool put = make_place(place, x.folder)
                   && ::move_mount(x.tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  const failure outcome = put ? failure{} : failed(x.path);
  ::close(x.tree);
  return outcome;
}

failure mount_memory(const char* place, std::uint64_t size_max) {
  std::array<char, 96> options{};
  // An empty file costs the kernel a kilobyte, and none of the size.
  constexpr std::uint64_t bytes_a_file = 4096;
  std::snprintf(
      options.data(), options.size(), "size=%llu,nr_inodes=%llu,mode=1777",
      static_cast<unsigned long long>(size_max),
      static_cast<unsigned long long>(std::max<std::uint64_t>(size_max / bytes_a_file, 1024)));
  if (!make_place(place, true)
      || ::mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, options.data()) != 0)
    return failed(place);
  return {};
}

/// Only to be read: some of what a process may change of itself is not its own alone, like the weight of its session, which
/// is that of all children.
failure mount_proc() {
  constexpr unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
  if (::mkdir("proc", 0555) != 0 || ::mount("proc", "proc", "proc", flags, nullptr) != 0)
    return failed("/proc");
  struct stat found {};
  for (const char* path : hidden_in_proc)
    if (::stat(path, &found) == 0 && ::mount("dev/null", path, nullptr, MS_BIND, nullptr) != 0)
      return failed(path);
  // The slot's first process may have the child's user: nothing about it can be changed from inside.
  if (::mount("tmpfs", "proc/1", "tmpfs", flags, "size=4k,nr_inodes=2,mode=555") != 0)
    return failed("/proc/1");
  return {};
}

failure write_file(const char* path, int flags, const char* text, std::size_t size) {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0444);
  const bool written = fd >= 0 && ::write(fd, text, size) == static_cast<ssize_t>(size);
  const failure outcome = written ? failure{} : failed(path);
  if (fd >= 0)
    ::close(fd);
  return outcome;
}

/// Nobody of the machine; a child's own user is added when it comes.
failure write_users() {
  constexpr std::string_view users = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
  constexpr std::string_view groups = "root:x:0:\nnogroup:x:65534:\n";
  constexpr std::string_view hosts = "127.0.0.1 localhost\n::1 localhost\n";
  if (!make_place("etc", true))
    return failed("/etc");
  // Those of the machine are there where a network is.
  struct stat found {};
  if (::lstat("etc/hosts", &found) != 0)
    if (const auto what = write_file("etc/hosts", O_EXCL, hosts.data(), hosts.size()); !good(what))
      return what;
  if (const auto what = write_file("etc/passwd", O_EXCL, users.data(), users.size()); !good(what))
    return what;
  return write_file("etc/group", O_EXCL, groups.data(), groups.size());
}

/// For programs that look up who they are.
failure add_user(const spawn_plan& plan) {
  const auto& request = plan.request;
  const unsigned uid = request.user();
  const unsigned gid = request.has_user ? request.gid : ::getegid();
  std::array<char, 128> line{};
  const auto size = static_cast<std::size_t>(
      std::snprintf(line.data(), line.size(), "maze:x:%u:%u::/tmp:/bin/sh\n", uid, gid));
  if (const auto what = write_file("/etc/passwd", O_APPEND, line.data(), size); !good(what))
    return what;
  const auto group =
      static_cast<std::size_t>(std::snprintf(line.data(), line.size(), "maze:x:%u:\n", gid));
  return write_file("/etc/group", O_APPEND, line.data(), group);
}

failure fill_base(const std::vector<std::string>& paths) {
  pieces.clear();
  for (const std::string& path : paths)
    if (const auto what = pieces.lift_if_there(path.c_str(), never_written); !good(what))
      return what;
  for (const char* path : devices)
    if (const auto what = pieces.lift(path, device); !good(what))
      return what;
  if (::mount("tmpfs", site, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0
      || ::chdir(site) != 0)
    return failed(site);
  // A folder that is shown may lie in another one: the outer one comes first.
  pieces.sort();
  for (const piece& each : pieces)
    if (const auto what = put(each); !good(what))
      return what;
  for (const auto& [target, place] : device_links)
    if (::symlink(target, place) != 0)
      return failed(place);
  for (const char* place : {"tmp", "dev/shm"})
    if (!make_place(place, true))
      return failed(place);
  if (const auto what = write_users(); !good(what))
    return what;
  return mount_proc();
}

/// Paths are looked up as the child's user, who has no right of root's to pass; mounts are still made as before.
class as_user {
public:
  explicit as_user(const protocol::launch_view& request) : changes_(request.has_user) {
    if (!changes_)
      return;
    ::setfsgid(request.gid);
    ::setfsuid(request.uid);
  }
  as_user(const as_user&) = delete;
  as_user& operator=(const as_user&) = delete;
  ~as_user() {
    if (!changes_)
      return;
    ::setfsuid(::geteuid());
    ::setfsgid(::getegid());
  }

private:
  bool changes_;
};

/// What this child alone is shown, held for its own mount namespace.
failure lift_own(const spawn_plan& plan) {
  const auto& request = plan.request;
  pieces.clear();
  // With the child's own rights: root would find its way into folders that the child may not enter.
  const as_user user(request);
  for (const char* path : request.shown.readable)
    if (const auto what = pieces.lift(path, never_written); !good(what))
      return what;
  for (const char* path : request.shown.writable)
    if (const auto what = pieces.lift(path, never_special); !good(what))
      return what;
  if (request.taskspace() != nullptr)
    if (const auto what = pieces.lift(request.taskspace(), never_special); !good(what))
      return what;
  pieces.sort();
  return {};
}

/// Folders above what a child is shown are its own: of those that others were shown nothing is left. What begins with
/// one of the base's folders has to have its place there.
failure cover_first_folder(const piece& x) {
  const char* const path = x.path;
  const char* const end = ::strchrnul(path + 1, '/');
  if (*end == '\0' && !x.folder)
    return {};
  std::array<char, NAME_MAX + 1> name{};
  const auto size = static_cast<std::size_t>(end - path);
  if (size > name.size())
    return {stage::root, ENAMETOOLONG, path};
  std::memcpy(name.data(), path + 1, size - 1);
  struct stat found {};
  struct stat above {};
  if (::stat(".", &above) != 0)
    return failed("/");
  if (::lstat(name.data(), &found) == 0) {
    // A mount, or part of the base; an empty folder that an earlier child had covered is covered again.
    const bool covered = found.st_dev != above.st_dev;
    if (covered || !S_ISDIR(found.st_mode) || (found.st_mode & S_ISVTX) == 0)
      return {};
  } else if (::mkdir(name.data(), 0755) != 0 || ::chmod(name.data(), 01755) != 0) {
    return failed(path);
  }
  if (::mount("tmpfs", name.data(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=1k,mode=755")
      != 0)
    return failed(path);
  return {};
}

failure add_own(const spawn_plan& plan) {
  for (const char* place : {"tmp", "dev/shm"})
    if (const auto what = mount_memory(place, plan.request.shown.temporary_max); !good(what))
      return what;
  // Before a task's own /etc may lie there.
  if (plan.new_user)
    if (const auto what = add_user(plan); !good(what))
      return what;
  for (const piece& each : pieces) {
    if (const auto what = cover_first_folder(each); !good(what))
      return what;
    if (const auto what = put(each); !good(what))
      return what;
  }
  return {};
}

} // namespace

failure build_base(const std::vector<std::string>& paths) {
  if (const auto what = fill_base(paths); !good(what))
    return what;
  // The old root lies on top of the new one until it is taken away (pivot_root(2)).
  if (::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0
      || ::chdir("/") != 0)
    return failed("pivot_root");
  return {};
}

failure enter_root(const spawn_plan& plan) {
  if (const auto what = lift_own(plan); !good(what))
    return what;
  // The slot's base becomes the root, then a copy of it that is this child's own.
  if (::setns(plan.slot_fd, CLONE_NEWNS | plan.joins) != 0 || ::unshare(CLONE_NEWNS) != 0)
    return {stage::namespaces, errno, "setns"};
  if (const auto what = injected(stage::namespaces); !good(what))
    return what;
  if (::chdir("/") != 0)
    return failed("/");
  if (const auto what = add_own(plan); !good(what))
    return what;
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
              nullptr)
      != 0)
    return failed("/");
  return injected(stage::root);
}

} // namespace maze::sandbox::init
