#include "maze/sandbox/init/landlock.hpp"

#include "maze/io/files.hpp"
#include "maze/sandbox/machine_places.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::sandbox::init {

namespace {

using protocol::stage;

// Source: linux/landlock.h of Linux 6.12; the headers of Debian 12 know version 2 only.
constexpr std::uint64_t refer = std::uint64_t{1} << 13;
constexpr std::uint64_t truncate = std::uint64_t{1} << 14;
constexpr std::uint64_t all_of_version_1 = (std::uint64_t{1} << 13) - 1;
constexpr std::uint64_t tcp = 3;
constexpr std::uint64_t signals_and_abstract_sockets = 3;

struct ruleset {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scoped = 0;
};
static_assert(sizeof(landlock_ruleset_attr) == sizeof(std::uint64_t));

constexpr std::uint64_t to_read =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
/// What can be asked of a file that is no folder.
constexpr std::uint64_t of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE
                                   | LANDLOCK_ACCESS_FS_READ_FILE | truncate;

std::uint64_t handled_by(int version) {
  return all_of_version_1 | (version >= 2 ? refer : 0) | (version >= 3 ? truncate : 0);
}

failure failed(const char* subject) { return {stage::landlock, errno, subject}; }

failure allow_open(int rules, int place, std::uint64_t access, const char* subject) {
  struct stat found {};
  if (::fstat(place, &found) != 0)
    return failed(subject);
  landlock_path_beneath_attr wanted{};
  wanted.allowed_access = S_ISDIR(found.st_mode) ? access : access & of_files;
  wanted.parent_fd = place;
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &wanted, 0) != 0)
    return failed(subject);
  return {};
}

failure allow(int rules, const char* path, std::uint64_t access) {
  const io::unique_fd place(::open(path, O_PATH | O_CLOEXEC));
  return place ? allow_open(rules, place.get(), access, path) : failed(path);
}

/// What a task asks for.
failure allow_asked(int rules, const auto& paths, std::uint64_t access) {
  for (const char* path : paths) {
    const io::unique_fd place(::open(path, O_PATH | O_CLOEXEC));
    struct stat found {};
    if (!place || ::fstat(place.get(), &found) != 0)
      return failed(path);
    if (is_machines(place.get(), found))
      return {stage::landlock, EPERM, path};
    if (const auto what = allow_open(rules, place.get(), access, path); what.at != stage::none)
      return what;
  }
  return {};
}

failure allow_all(int rules, const auto& paths, std::uint64_t access) {
  for (const char* path : paths)
    if (const auto what = allow(rules, path, access); what.at != stage::none)
      return what;
  return {};
}

/// In the machine's root, where all is in sight: what another child would have been shown.
failure allow_shown(int rules, const protocol::shown_view& shown, std::uint64_t to_write) {
  for (const char* path : shown.system) {
    const auto what = allow(rules, path, to_read);
    const bool none = what.error_number == ENOENT || what.error_number == ENOTDIR;
    if (what.at != stage::none && !none)
      return what;
  }
  if (const auto what = allow_asked(rules, shown.readable, to_read); what.at != stage::none)
    return what;
  if (const auto what = allow(rules, "/proc", to_read); what.at != stage::none)
    return what;
  constexpr std::array devices{"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                               "/dev/urandom"};
  return allow_all(rules, devices, to_write);
}

/// In a root of its own.
failure allow_seen(int rules, std::uint64_t to_write) {
  if (const auto what = allow(rules, "/", to_read); what.at != stage::none)
    return what;
  return allow_all(rules, std::array{"/tmp", "/dev"}, to_write);
}

/// A file that the child was given may be opened once more through /proc/self/fd: so libraries are loaded. Files in
/// memory have no place that a rule could name, and need none.
failure allow_inherited(int rules, std::uint32_t count) {
  for (int fd = STDERR_FILENO + 1; fd <= STDERR_FILENO + static_cast<int>(count); ++fd) {
    struct stat found {};
    if (::fstat(fd, &found) != 0)
      return failed("inherited descriptor");
    if (!S_ISREG(found.st_mode))
      continue;
    const failure what = allow_open(rules, fd, to_read, "inherited descriptor");
    if (what.at != stage::none && what.error_number != EBADFD)
      return what;
  }
  return {};
}

} // namespace

int landlock_version() {
  const auto found =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return found < 0 ? 0 : static_cast<int>(found);
}

failure restrict_files(const spawn_plan& plan, int version) {
  const auto& request = plan.request;
  const std::uint64_t handled = handled_by(version);
  const ruleset wanted{.files = handled,
                       .network = version >= 4 && !request.shown.network ? tcp : 0,
                       .scoped = version >= 6 ? signals_and_abstract_sockets : 0};
  const std::size_t known = version >= 6   ? sizeof wanted
                            : version >= 4 ? 2 * sizeof wanted.files
                                           : sizeof wanted.files;
  const io::unique_fd rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, known, 0)));
  if (!rules)
    return failed("ruleset");
  // Devices are made by nobody.
  const std::uint64_t to_write =
      handled & ~std::uint64_t{LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK};
  if (const auto what = plan.walled ? allow_shown(rules.get(), request.shown, to_write)
                                    : allow_seen(rules.get(), to_write);
      what.at != stage::none)
    return what;
  if (const auto what = allow_all(rules.get(), request.shown.writable, to_write);
      what.at != stage::none)
    return what;
  if (request.taskspace() != nullptr)
    if (const auto what = allow(rules.get(), request.taskspace(), to_write); what.at != stage::none)
      return what;
  if (const auto what = allow_inherited(rules.get(), request.inherited); what.at != stage::none)
    return what;
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)
    return failed("landlock_restrict_self");
  return {};
}

} // namespace maze::sandbox::init
