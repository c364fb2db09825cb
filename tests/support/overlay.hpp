#pragma once

#include "maze/io/view_store.hpp"
#include "support/in_child.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::test {

inline bool write_text(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool done =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<long>(text.size());
  if (fd >= 0)
    ::close(fd);
  return done;
}

/// Gives the calling child mounts of its own, and as an ordinary user a user namespace for that.
inline bool enter_own_mounts() {
  const auto uid = std::to_string(::geteuid());
  const auto gid = std::to_string(::getegid());
  const bool root = ::geteuid() == 0;
  if (::unshare(root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
    return false;
  if (!root
      && !(write_text("/proc/self/setgroups", "deny")
           && write_text("/proc/self/uid_map", uid + ' ' + uid + " 1")
           && write_text("/proc/self/gid_map", gid + ' ' + gid + " 1")))
    return false;
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// Mounts what a view says and goes there; for a child that has mounts of its own.
inline bool enter_view(const io::view& seen) {
  if (seen.kind == io::view_kind::overlay) {
    std::string data;
    for (const auto& lower : seen.lower)
      data += (data.empty() ? "lowerdir=" : ":") + lower.native();
    data += ",upperdir=" + seen.upper.native() + ",workdir=" + seen.work.native();
    data += ::geteuid() == 0 ? ",redirect_dir=off,metacopy=off,index=off" : ",userxattr,index=off";
    if (::mount("overlay", seen.mount_point.c_str(), "overlay", 0, data.c_str()) != 0)
      return false;
  }
  return ::chdir(seen.mount_point.c_str()) == 0;
}

/// Runs a shell script in the view, as the launcher would start a child; its exit status.
inline int run_in_view(const io::view& seen, const std::string& script) {
  return in_child([&] {
    if (!enter_own_mounts() || !enter_view(seen))
      return 122;
    ::execl("/bin/sh", "sh", "-ec", script.c_str(), nullptr);
    return 123;
  });
}

/// Why this process cannot have overlays, or nothing.
inline std::optional<std::string> can_mount_overlays() {
  const int status = in_child([] { return enter_own_mounts() ? 0 : 1; });
  if (status == 0)
    return std::nullopt;
  return "this kernel gives no mount namespace to this user";
}

} // namespace maze::test
