#include "maze/sandbox/init/overlay.hpp"

#include "maze/sandbox/init/fault.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

using protocol::stage;

failure failed(stage at, const char* subject) { return {at, errno, subject}; }

/// Shows `path` in this mount namespace with the owner 0 as the child's uid, and read-only: only the
/// overlay on top may be written.
failure show_as_user(const char* path, int idmap_fd) {
  const int tree = ::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0)
    return failed(stage::idmap, path);
  struct mount_attr wanted {};
  wanted.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY;
  wanted.userns_fd = static_cast<std::uint64_t>(idmap_fd);
  failure outcome;
  if (::mount_setattr(tree, "", AT_EMPTY_PATH, &wanted, sizeof wanted) != 0
      || ::move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0)
    outcome = failed(stage::idmap, path);
  ::close(tree);
  return outcome;
}

/// The options of mount(2), one page at most.
class option_text {
public:
  bool append(const char* format, int number = 0) {
    const auto room = text_.size() - used_;
    const int count = std::snprintf(text_.data() + used_, room, format, number);
    if (count < 0 || static_cast<std::size_t>(count) >= room)
      return false;
    used_ += static_cast<std::size_t>(count);
    return true;
  }
  [[nodiscard]] const char* get() const { return text_.data(); }

private:
  std::array<char, 4096> text_{};
  std::size_t used_ = 0;
};

failure add_layer(option_text& options, const char* format, const char* path) {
  const int fd = ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return failed(stage::overlay, path);
  if (!options.append(format, fd))
    return {stage::overlay, E2BIG, path};
  return {};
}

/// Taken away again after the mount: the overlay keeps its own private copies.
void hide_layers(const spawn_plan& plan) {
  if (plan.idmap_fd >= 0)
    for (const char* path : plan.request.lower)
      ::umount2(path, MNT_DETACH);
}

failure add_lower(option_text& options, const spawn_plan& plan) {
  const char* format = "lowerdir=/proc/self/fd/%d";
  for (const char* path : plan.request.lower) {
    if (plan.idmap_fd >= 0)
      if (const failure what = show_as_user(path, plan.idmap_fd); what.at != stage::none)
        return what;
    if (plan.idmap_fd >= 0)
      if (const failure what = injected(stage::idmap); what.at != stage::none)
        return what;
    if (const failure what = add_layer(options, format, path); what.at != stage::none)
      return what;
    format = ":/proc/self/fd/%d";
  }
  return {};
}

bool write_file(const std::string& path, const std::string& text) {
  const io::unique_fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

} // namespace

failure mount_overlay(const spawn_plan& plan) {
  option_text options;
  if (const failure what = add_lower(options, plan); what.at != stage::none)
    return what;
  const auto& request = plan.request;
  if (const auto what = add_layer(options, ",upperdir=/proc/self/fd/%d", request.upper);
      what.at != stage::none)
    return what;
  if (const auto what = add_layer(options, ",workdir=/proc/self/fd/%d", request.work);
      what.at != stage::none)
    return what;
  // The upper layer must make sense by itself, whatever the kernel's defaults are; with userxattr
  // that is implied.
  const char* rest = plan.around.user_namespace
                         ? ",volatile,userxattr"
                         : ",volatile,redirect_dir=nofollow,metacopy=off,index=off";
  if (!options.append(rest))
    return {stage::overlay, E2BIG, request.mount_point};
  if (::mount("overlay", request.mount_point, "overlay", MS_NOSUID | MS_NODEV, options.get()) != 0)
    return failed(stage::overlay, request.mount_point);
  hide_layers(plan);
  return {};
}

int id_maps::find_or_make(std::uint32_t uid, std::uint32_t gid) {
  const std::pair key{uid, gid};
  if (const auto found = maps_.find(key); found != maps_.end())
    return found->second.get();
  const auto holder = static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  if (holder < 0)
    return -1;
  if (holder == 0)
    for (;;)
      ::pause();
  const std::string folder = "/proc/" + std::to_string(holder);
  const auto line = [](std::uint32_t to) { return "0 " + std::to_string(to) + " 1\n"; };
  io::unique_fd made;
  if (write_file(folder + "/uid_map", line(uid)) && write_file(folder + "/gid_map", line(gid)))
    made.reset(::open((folder + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  const int number = errno;
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  errno = number;
  if (!made)
    return -1;
  return maps_.emplace(key, std::move(made)).first->second.get();
}

} // namespace maze::sandbox::init
