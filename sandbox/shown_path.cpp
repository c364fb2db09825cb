#include "maze/sandbox/shown_path.hpp"

#include "maze/core/printable.hpp"
#include "maze/io/files.hpp"
#include "maze/sandbox/machine_places.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace maze::sandbox {

namespace {

namespace fs = std::filesystem;

tl::unexpected<core::error> denied(std::string why) {
  return core::fail(core::errc::permission_denied, "a container is not shown " + std::move(why),
                    "launch");
}

/// Whether `user` has the right `bit` of others (S_IXOTH, S_IROTH), or as owner or by its group.
bool has_right(const struct stat& of, const child_user& user, unsigned bit) {
  const unsigned wanted = of.st_uid == user.uid   ? bit << 6U
                          : of.st_gid == user.gid ? bit << 3U
                                                  : bit;
  return user.uid == 0 || (of.st_mode & wanted) != 0;
}

bool is_ours(const struct stat& of) { return of.st_uid == 0 || of.st_uid == ::geteuid(); }

bool shows_machine(const fs::path& path) {
  const io::unique_fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat found {};
  return !place || ::fstat(place.get(), &found) != 0 || is_machines(place.get(), found);
}

} // namespace

core::result<fs::path> shown_path(const std::string& path, const std::optional<child_user>& user,
                                  bool readable) {
  std::error_code failed;
  const fs::path real = fs::canonical(path, failed);
  const auto shown = core::printable(path);
  if (failed)
    return core::fail(
        failed == std::errc::no_such_file_or_directory ? core::errc::not_found
                                                       : core::errc::permission_denied,
        fmt::format("{} cannot be shown to a container: {}", shown, failed.message()), "launch");
  if (shows_machine(real))
    return denied(fmt::format("{}, which leads to {}: name folders and files in it", shown,
                              core::printable(real.native())));
  struct stat found {};
  bool anybodys = false;
  fs::path at = "/";
  for (const fs::path& part : real.relative_path()) {
    if (::lstat(at.c_str(), &found) != 0 || !is_ours(found))
      return denied(
          fmt::format("{}: somebody else owns {}, above it", shown, core::printable(at.native())));
    anybodys = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (anybodys && (found.st_mode & S_ISVTX) == 0)
      return denied(
          fmt::format("{}: others may change {}, above it", shown, core::printable(at.native())));
    if (user && !has_right(found, *user, S_IXOTH))
      return denied(fmt::format("{}: the task's user may not enter {}, above it", shown,
                                core::printable(at.native())));
    at /= part;
  }
  if (::lstat(real.c_str(), &found) != 0 || (anybodys && !is_ours(found)))
    return denied(fmt::format("{}: somebody else could put another one in its place", shown));
  if (readable && user && !has_right(found, *user, S_IROTH))
    return denied(fmt::format("{}: the task's user may not read it", shown));
  return real;
}

} // namespace maze::sandbox
