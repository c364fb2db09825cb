#pragma once

#include "maze/io/files.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <map>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::test {

/// Runs `body` in a forked child and gives back the text that it returned. Throws where it did, or died.
inline std::string told_by_child(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    throw std::runtime_error("pipe failed");
  const io::unique_fd in(ends[0]);
  io::unique_fd out(ends[1]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    int status = 0;
    std::string text;
    try {
      text = body();
    } catch (const std::exception& thrown) {
      text = thrown.what();
      status = 1;
    }
    for (std::size_t done = 0; done < text.size();) {
      const auto size = ::write(out.get(), text.data() + done, text.size() - done);
      if (size < 0)
        break;
      done += static_cast<std::size_t>(size);
    }
    std::fflush(nullptr);
    ::_exit(status);
  }
  out.reset();
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t size = 0; (size = ::read(in.get(), part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(size));
  int status = -1;
  if (::waitpid(pid, &status, 0) != pid || status != 0)
    throw std::runtime_error("a child ended with status " + std::to_string(status) + ": " + text);
  return text;
}

/// Gives the calling process mounts, IPC, a host name and a network of its own, with empty folders where everybody may write:
/// what an attack changes there is gone with it. The scratch folders of a test belong below `kept`, which stays, as this build does.
inline void enter_throw_away_machine(const std::string& kept) {
  const auto need = [](bool done, const char* what) {
    if (!done)
      throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  };
  need(::unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET) == 0, "unshare");
  need(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount /");
  std::map<std::string, io::unique_fd> stays;
  for (const std::string& folder :
       {kept, std::filesystem::path(MAZE_BIN_DIR).parent_path().native()})
    need(static_cast<bool>(stays[folder] = io::unique_fd(
                               ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC))),
         "open");
  for (const char* place : {"/tmp", "/var/tmp", "/dev/shm"})
    need(::mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=1777") == 0, place);
  for (const auto& [folder, held] : stays)
    if (::access(folder.c_str(), F_OK) != 0) {
      const auto from = "/proc/self/fd/" + std::to_string(held.get());
      std::filesystem::create_directories(folder);
      need(::mount(from.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) == 0, "mount --bind");
    }
}

/// Takes from the calling process, which is an ordinary user, the right to make namespaces: in a user namespace that is
/// allowed none below it, where programs that it starts have no capability.
inline void forbid_namespaces() {
  const auto write = [](const char* path, const std::string& text) {
    const io::unique_fd file(::open(path, O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error(std::string(path) + ": " + std::strerror(errno));
  };
  const auto uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
  if (::prctl(PR_SET_DUMPABLE, 1) != 0 || ::unshare(CLONE_NEWUSER) != 0)
    throw std::runtime_error(std::string("unshare: ") + std::strerror(errno));
  write("/proc/self/setgroups", "deny");
  write("/proc/self/uid_map", uid + " " + uid + " 1");
  write("/proc/self/gid_map", gid + " " + gid + " 1");
  write("/proc/sys/user/max_user_namespaces", "0");
}

} // namespace maze::test
