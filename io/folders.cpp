#include "maze/io/folders.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::io {

namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// Deeper levels give their descriptor up and come back to it through "..".
constexpr std::size_t open_levels_max = 64;

/// Gives a folder its owner's bits, through a descriptor so that no symlink is ever followed.
void unlock(int parent, const char* name) {
  const unique_fd folder(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (folder && ::fstat(folder.get(), &status) == 0 && (status.st_mode & 0700) != 0700)
    ::chmod(fmt::format("/proc/self/fd/{}", folder.get()).c_str(), (status.st_mode & 0777) | 0700);
}

struct level {
  unique_fd folder;
  std::vector<std::string> names;
  std::size_t next = 0;
  /// How long the path of the walk is without the part below this level.
  std::size_t path_length = 0;
  /// Of the folder itself, and what it is called in the level above.
  struct stat status {};
  std::string name;
};

class walker {
public:
  explicit walker(const walk_options& options) : options_(options) {}

  core::result<void> run(unique_fd root) {
    struct stat status {};
    if (::fstat(root.get(), &status) != 0)
      return core::fail(errno_error("fstat of a folder", errno));
    if (auto done = descend(std::move(root), status, {}); !done)
      return done;
    while (!levels_.empty()) {
      auto done = levels_.back().next < levels_.back().names.size() ? step() : ascend();
      if (!done)
        return done;
    }
    return {};
  }

private:
  core::result<void> descend(unique_fd folder, const struct stat& status, std::string name) {
    auto names = names_in(folder.get());
    if (!names)
      return core::fail(names.error().code,
                        fmt::format("{}: {}", shown(path_), names.error().message));
    levels_.push_back(level{.folder = std::move(folder),
                            .names = std::move(*names),
                            .path_length = path_.size(),
                            .status = status,
                            .name = std::move(name)});
    if (levels_.size() > open_levels_max)
      levels_[levels_.size() - open_levels_max - 1].folder.reset();
    return {};
  }

  core::result<void> step() {
    auto& here = levels_.back();
    const auto name = std::move(here.names[here.next++]);
    path_.resize(here.path_length);
    if (!path_.empty())
      path_ += '/';
    path_ += name;
    struct stat status {};
    const int folder = here.folder.get();
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? core::result<void>() : failed("stat", errno);
    const auto next =
        options_.visit({.folder = folder, .name = name, .path = path_, .status = status});
    if (!next)
      return core::fail(next.error());
    if (*next == walk_step::skip || !S_ISDIR(status.st_mode))
      return {};
    if (options_.force && (status.st_mode & 0700) != 0700)
      unlock(folder, name.c_str());
    unique_fd below(::openat(folder, name.c_str(), folder_flags));
    if (!below)
      return errno == ENOENT ? core::result<void>() : failed("open", errno);
    return descend(std::move(below), status, name);
  }

  core::result<void> ascend() {
    level done = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty())
      return {};
    auto& here = levels_.back();
    path_.resize(done.path_length);
    if (!here.folder)
      if (auto back = reopen(here, done.folder.get()); !back)
        return back;
    if (!options_.leave)
      return {};
    return options_.leave(
        {.folder = here.folder.get(), .name = done.name, .path = path_, .status = done.status});
  }

  core::result<void> reopen(level& here, int below) {
    here.folder.reset(::openat(below, "..", folder_flags));
    struct stat status {};
    if (!here.folder || ::fstat(here.folder.get(), &status) != 0)
      return failed("open the folder above", errno);
    if (status.st_ino != here.status.st_ino || status.st_dev != here.status.st_dev)
      return core::fail(core::errc::io_error,
                        fmt::format("{} was moved while it was read", shown(path_)));
    return {};
  }

  core::result<void> failed(std::string_view call, int number) const {
    return core::fail(errno_error(fmt::format("{} {}", call, shown(path_)), number));
  }

  const walk_options& options_;
  std::vector<level> levels_;
  std::string path_;
};

core::result<void> unlink_at(const walked& x, int flags) {
  if (::unlinkat(x.folder, x.name.c_str(), flags) != 0 && errno != ENOENT)
    return core::fail(errno_error(fmt::format("remove {}", shown(x.path)), errno));
  return {};
}

} // namespace

std::string shown(std::string_view path) {
  constexpr std::size_t length_max = 300;
  return path.size() <= length_max ? std::string(path)
                                   : std::string(path.substr(0, length_max)) + "...";
}

core::result<void> make_folders(const std::filesystem::path& path,
                                std::optional<std::uint32_t> mode) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed)
    return core::fail(errno_error(fmt::format("make folder {}", path.string()), failed.value()));
  if (mode && ::chmod(path.c_str(), *mode) != 0)
    return core::fail(errno_error(fmt::format("set the mode of {}", path.string()), errno));
  return {};
}

bool is_gone(int parent, const std::string& name) {
  struct stat info {};
  return ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

core::result<unique_fd> open_locked_folder(int parent, const std::string& name) {
  unlock(parent, name.c_str());
  return open_folder(parent, name);
}

core::result<unique_fd> open_folder(int parent, const std::filesystem::path& path) {
  unique_fd fd(::openat(parent, path.c_str(), folder_flags));
  if (!fd)
    return core::fail(errno_error(fmt::format("open folder {}", path.native()), errno));
  return fd;
}

core::result<unique_fd> make_folder(int parent, const std::filesystem::path& path,
                                    std::uint32_t mode) {
  if (::mkdirat(parent, path.c_str(), mode) != 0 && errno != EEXIST)
    return core::fail(errno_error(fmt::format("mkdir {}", path.native()), errno));
  return open_folder(parent, path);
}

core::result<std::vector<std::string>> names_in(int folder) {
  // Raw getdents64: readdir() would need a duplicate of the descriptor and a heap block per folder.
  alignas(dirent64) std::array<char, 32768> buffer;
  std::vector<std::string> names;
  for (;;) {
    const auto got = ::syscall(SYS_getdents64, folder, buffer.data(), buffer.size());
    if (got < 0)
      return core::fail(errno_error("read a folder", errno));
    if (got == 0)
      return names;
    for (long at = 0; at < got;) {
      const char* entry = buffer.data() + at;
      unsigned short length = 0;
      std::memcpy(&length, entry + offsetof(dirent64, d_reclen), sizeof length);
      const std::string_view name(entry + offsetof(dirent64, d_name));
      if (name != "." && name != "..")
        names.emplace_back(name);
      at += length;
    }
  }
}

core::result<void> walk(unique_fd root, const walk_options& options) {
  return walker(options).run(std::move(root));
}

core::result<void> remove_content(unique_fd folder) {
  return walk(std::move(folder),
              {.visit = [](const walked& x) -> core::result<walk_step> {
                 if (S_ISDIR(x.status.st_mode))
                   return walk_step::go_on;
                 if (auto done = unlink_at(x, 0); !done)
                   return core::fail(done.error());
                 return walk_step::go_on;
               },
               .leave = [](const walked& x) { return unlink_at(x, AT_REMOVEDIR); },
               .force = true});
}

core::result<void> remove_tree(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT)
    return {};
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
    return {};
  auto folder = open_locked_folder(parent, name);
  if (!folder)
    return core::fail(folder.error());
  if (auto done = remove_content(std::move(*folder)); !done)
    return done;
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    return core::fail(errno_error(fmt::format("remove {}", name), errno));
  return {};
}

} // namespace maze::io
