#include "maze/io/blob_store.hpp"

#include "maze/io/file_copy.hpp"
#include "maze/io/file_takeover.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/hash.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace maze::io {
namespace {

// Up to here a file is read into memory at once and written only when the store lacks it.
constexpr std::uint64_t small_file_max = std::uint64_t{256} << 10;
// Up to here copying costs no more system calls than taking a file over safely.
constexpr std::int64_t copy_instead_of_move_max = std::int64_t{16} << 10;
// Above this many blobs one syncfs is cheaper than an fsync for each.
constexpr std::size_t single_syncs_max = 16;
constexpr mode_t blob_mode = 0644;

/// `ab/<32 hex>`, relative to `blobs/`.
std::string blob_name(const core::digest& hash) {
  const auto hex = to_string(hash);
  return hex.substr(0, 2) + '/' + hex;
}

core::result<struct stat> status_of(int fd, std::string_view what) {
  struct stat status {};
  if (::fstat(fd, &status) != 0)
    return core::fail(errno_error(fmt::format("fstat {}", what), errno));
  return status;
}

core::error absent(const core::digest& hash, const std::filesystem::path& root) {
  return core::error{
      .code = core::errc::not_found,
      .message = fmt::format("blob {} is not in the store {}", to_string(hash), root.native())};
}

} // namespace

struct blob_store::data {
  std::filesystem::path root;
  options settings;
  /// Carries the lock.
  unique_fd root_fd;
  unique_fd blobs;
  unique_fd modes;
  unique_fd temporary;
  dev_t device = 0;
  std::atomic<std::uint64_t> next_temporary{1};
  /// Held for a whole flush: a second flush returns when the blobs that the first one took are safe.
  std::mutex flushing;
  /// Guards `unsynced` and `sync_all`.
  std::mutex guard;
  std::vector<core::digest> unsynced;
  /// Blobs of an earlier process may never have reached the disk.
  bool sync_all = false;
  struct temporary_file {
    std::string name;
    unique_fd fd;
  };

  std::string temporary_name() { return std::to_string(next_temporary.fetch_add(1)); }

  core::result<temporary_file> make_temporary() {
    temporary_file made{.name = temporary_name(), .fd = {}};
    made.fd.reset(::openat(temporary.get(), made.name.c_str(),
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, blob_mode));
    // Not left to the umask: trees that hold a link to a blob promise this mode.
    if (!made.fd || ::fchmod(made.fd.get(), blob_mode) != 0)
      return core::fail(
          errno_error(fmt::format("create a file in {}", (root / "tmp").native()), errno));
    return made;
  }

  void drop(const std::string& name) const { ::unlinkat(temporary.get(), name.c_str(), 0); }

  /// Whether the blob is there; with `size` only if it is that long (a machine that lost power may
  /// have kept the name and lost the bytes).
  [[nodiscard]] bool present(const std::string& name, std::optional<std::uint64_t> size) const {
    struct stat status {};
    return ::fstatat(blobs.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0
           && S_ISREG(status.st_mode)
           && (!size || static_cast<std::uint64_t>(status.st_size) == *size);
  }

  /// 0, or the errno of the renaming that failed.
  [[nodiscard]] int rename_to_blob(const std::string& from, const std::string& to,
                                   unsigned flags) const {
    if (::renameat2(temporary.get(), from.c_str(), blobs.get(), to.c_str(), flags) == 0)
      return 0;
    if (errno != ENOENT)
      return errno;
    if (::mkdirat(blobs.get(), to.substr(0, 2).c_str(), 0700) != 0 && errno != EEXIST)
      return errno;
    return ::renameat2(temporary.get(), from.c_str(), blobs.get(), to.c_str(), flags) == 0 ? 0
                                                                                           : errno;
  }

  /// Moves a complete temporary file to its place; false when the blob was there already.
  core::result<bool> settle(const std::string& from, const hashed_content& content) {
    const auto to = blob_name(content.hash);
    // A flush sees the name and the note, or neither: who finds the blob and then flushes is safe.
    const std::lock_guard lock(guard);
    int failure = rename_to_blob(from, to, RENAME_NOREPLACE);
    if (failure == EEXIST && present(to, content.size)) {
      drop(from);
      return false;
    }
    // Another length under this hash is damage; EINVAL: no RENAME_NOREPLACE on this file system.
    if (failure == EEXIST || failure == EINVAL)
      failure = rename_to_blob(from, to, 0);
    if (failure != 0) {
      drop(from);
      return core::fail(errno_error(fmt::format("rename to blob {}", to), failure));
    }
    if (settings.durable)
      unsynced.push_back(content.hash);
    return true;
  }

  core::result<blob_info> settled(const std::string& from, const hashed_content& content) {
    const auto added = settle(from, content);
    if (!added)
      return core::fail(added.error());
    return blob_info{.hash = content.hash, .size = content.size, .added = *added};
  }

  core::result<blob_info> store_copy(int source, const std::stop_token& stop) {
    auto copy = make_temporary();
    if (!copy)
      return core::fail(copy.error());
    core::result<hashed_content> content;
    if (auto done = copy_content(source, copy->fd.get(), stop); !done)
      content = core::fail(done.error());
    else
      content = hash_file(copy->fd.get(), stop);
    if (content)
      return settled(copy->name, *content);
    drop(copy->name);
    return core::fail(content.error());
  }

  /// The variant of a blob with other permission bits, as a name in `modes/`, made when missing.
  core::result<std::string> variant(const blob_store& self, const core::digest& hash,
                                    std::uint32_t mode) {
    auto name = fmt::format("{}.{:03o}", to_string(hash), mode);
    if (::faccessat(modes.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return name;
    const auto made = temporary_name();
    if (auto copy = self.copy_to(hash, mode, temporary.get(), made.c_str()); !copy)
      return core::fail(copy.error());
    if (::renameat(temporary.get(), made.c_str(), modes.get(), name.c_str()) != 0) {
      auto what = errno_error(fmt::format("rename to {}", name), errno);
      drop(made);
      return core::fail(std::move(what));
    }
    return name;
  }

  core::result<void> sync_blob(const core::digest& hash) const {
    const auto name = blob_name(hash);
    for (const auto& path : {name, name.substr(0, 2)}) {
      const unique_fd fd(::openat(blobs.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      // Gone again: `verify` removed it.
      if (!fd && errno == ENOENT)
        continue;
      if (!fd || ::fsync(fd.get()) != 0)
        return core::fail(errno_error(fmt::format("fsync blob {}", path), errno));
    }
    return {};
  }

  core::result<void> sync(const std::vector<core::digest>& fresh, bool all) const {
    if (all || fresh.size() > single_syncs_max) {
      if (::syncfs(blobs.get()) != 0)
        return core::fail(errno_error(fmt::format("syncfs {}", root.native()), errno));
      return {};
    }
    for (const auto& hash : fresh)
      if (auto done = sync_blob(hash); !done)
        return done;
    if (!fresh.empty() && ::fsync(blobs.get()) != 0)
      return core::fail(errno_error(fmt::format("fsync {}", root.native()), errno));
    return {};
  }
};

blob_store::blob_store(std::unique_ptr<data> state) : data_(std::move(state)) {}
blob_store::~blob_store() = default;

core::result<std::shared_ptr<blob_store>> blob_store::open(const std::filesystem::path& root,
                                                           options settings) {
  auto state = std::make_unique<data>();
  state->root = std::filesystem::absolute(root);
  state->settings = settings;
  std::error_code failure;
  std::filesystem::create_directories(state->root.parent_path(), failure);
  if (failure)
    return core::fail(
        errno_error(fmt::format("mkdir {}", state->root.parent_path().native()), failure.value()));
  auto top = make_folder(AT_FDCWD, state->root, 0700);
  if (!top)
    return core::fail(top.error());
  state->root_fd = std::move(*top);
  if (::flock(state->root_fd.get(), LOCK_EX | LOCK_NB) != 0)
    return core::fail(
        core::errc::already_exists,
        fmt::format("the blob store {} is open already: end the process that uses it, or choose "
                    "another folder",
                    state->root.native()));
  state->sync_all = std::filesystem::exists(state->root / "blobs", failure);
  for (const auto& [name, fd] :
       {std::pair{"blobs", &state->blobs}, std::pair{"modes", &state->modes},
        std::pair{"tmp", &state->temporary}}) {
    auto opened = make_folder(state->root_fd.get(), name, 0700);
    if (!opened)
      return core::fail(opened.error());
    *fd = std::move(*opened);
    // Variants are never synced: after a power failure they are not to be trusted.
    if (fd != &state->blobs)
      if (auto swept = remove_content(unique_fd(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0))); !swept)
        return core::fail(swept.error());
  }
  if (const auto status = status_of(state->blobs.get(), "blobs"))
    state->device = status->st_dev;
  return std::shared_ptr<blob_store>(new blob_store(std::move(state)));
}

core::result<blob_info> blob_store::put_bytes(std::string_view content) {
  const hashed_content seen{.hash = hash_bytes(content), .size = content.size()};
  if (data_->present(blob_name(seen.hash), seen.size))
    return blob_info{.hash = seen.hash, .size = seen.size};
  auto copy = data_->make_temporary();
  if (!copy)
    return core::fail(copy.error());
  const auto done = write_all(copy->fd.get(), content);
  if (done)
    return data_->settled(copy->name, seen);
  data_->drop(copy->name);
  return core::fail(done.error());
}

core::result<blob_info> blob_store::put_copy(int source, const std::stop_token& stop) {
  const auto status = status_of(source, "a file to store");
  if (!status)
    return core::fail(status.error());
  if (static_cast<std::uint64_t>(status->st_size) <= small_file_max) {
    auto content = read_all(source, small_file_max);
    if (content)
      return put_bytes(*content);
    if (content.error().code != core::errc::limit_exceeded)
      return core::fail(content.error());
  }
  return data_->store_copy(source, stop);
}

core::result<blob_info> blob_store::put_move(int folder, const char* name,
                                             const std::stop_token& stop) {
  const unique_fd fd(::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ELOOP)
    return core::fail(core::errc::invalid_payload, fmt::format("{} is a symlink", name));
  if (!fd)
    return core::fail(errno_error(fmt::format("open {}", name), errno));
  const auto status = status_of(fd.get(), name);
  if (!status)
    return core::fail(status.error());
  if (!S_ISREG(status->st_mode))
    return core::fail(core::errc::invalid_payload, fmt::format("{} is not a regular file", name));
  if (status->st_size <= copy_instead_of_move_max || status->st_nlink != 1
      || status->st_dev != data_->device)
    return put_copy(fd.get(), stop);
  const auto taken = data_->temporary_name();
  if (::renameat(folder, name, data_->temporary.get(), taken.c_str()) != 0)
    return put_copy(fd.get(), stop);
  // From here on nobody reaches the file by a path; then look for those who had it open before.
  struct stat moved {};
  const bool same =
      ::fstatat(data_->temporary.get(), taken.c_str(), &moved, AT_SYMLINK_NOFOLLOW) == 0
      && moved.st_ino == status->st_ino && moved.st_dev == status->st_dev;
  if (same && take_over(fd.get(), blob_mode))
    if (const auto content = hash_file(fd.get(), stop))
      return data_->settled(taken, *content);
  data_->drop(taken);
  return put_copy(fd.get(), stop);
}

bool blob_store::has(const core::digest& hash) const {
  return data_->present(blob_name(hash), std::nullopt);
}

core::result<unique_fd> blob_store::open_blob(const core::digest& hash) const {
  unique_fd fd(
      ::openat(data_->blobs.get(), blob_name(hash).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT)
    return core::fail(absent(hash, data_->root));
  if (!fd)
    return core::fail(errno_error(fmt::format("open blob {}", to_string(hash)), errno));
  return fd;
}

std::filesystem::path blob_store::path_of(const core::digest& hash) const {
  return data_->root / "blobs" / blob_name(hash);
}

core::result<void> blob_store::link_to(const core::digest& hash, std::uint32_t mode, int folder,
                                       const char* path) {
  int from = data_->blobs.get();
  auto name = blob_name(hash);
  if (mode != blob_mode) {
    auto other = data_->variant(*this, hash, mode);
    if (!other)
      return core::fail(other.error());
    from = data_->modes.get();
    name = std::move(*other);
  }
  if (::linkat(from, name.c_str(), folder, path, 0) == 0)
    return {};
  if (errno == ENOENT && !has(hash))
    return core::fail(absent(hash, data_->root));
  if (errno != EMLINK && errno != EXDEV && errno != EPERM)
    return core::fail(errno_error(fmt::format("link blob {} to {}", to_string(hash), path), errno));
  if (auto copy = copy_to(hash, mode, folder, path); !copy)
    return core::fail(copy.error());
  return {};
}

core::result<unique_fd> blob_store::copy_to(const core::digest& hash, std::uint32_t mode,
                                            int folder, const char* path) const {
  const auto source = open_blob(hash);
  if (!source)
    return core::fail(source.error());
  unique_fd target(
      ::openat(folder, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!target)
    return core::fail(errno_error(fmt::format("create {}", path), errno));
  auto done = copy_content(source->get(), target.get());
  if (done && ::fchmod(target.get(), mode & 0777) != 0)
    done = core::fail(errno_error("chmod", errno));
  if (done)
    return target;
  ::unlinkat(folder, path, 0);
  return core::fail(done.error().code, fmt::format("{}: {}", path, done.error().message));
}

core::result<void> blob_store::flush() {
  if (!data_->settings.durable)
    return {};
  const std::lock_guard one_at_a_time(data_->flushing);
  std::vector<core::digest> fresh;
  bool all = false;
  {
    const std::lock_guard lock(data_->guard);
    fresh.swap(data_->unsynced);
    all = std::exchange(data_->sync_all, false);
  }
  auto done = data_->sync(fresh, all);
  if (!done) {
    const std::lock_guard lock(data_->guard);
    data_->sync_all = true;
  }
  return done;
}

core::result<void> blob_store::verify(const core::digest& hash) {
  const auto fd = open_blob(hash);
  if (!fd)
    return core::fail(fd.error());
  const auto content = hash_file(fd->get());
  if (!content)
    return core::fail(content.error());
  if (content->hash == hash)
    return {};
  ::unlinkat(data_->blobs.get(), blob_name(hash).c_str(), 0);
  std::error_code failure;
  for (std::filesystem::directory_iterator at(data_->root / "modes", failure), end;
       !failure && at != end; at.increment(failure))
    if (at->path().filename().native().starts_with(to_string(hash)))
      ::unlinkat(data_->modes.get(), at->path().filename().c_str(), 0);
  return core::fail(
      core::errc::object_lost,
      fmt::format("blob {} in {} was damaged (its {} bytes hash to {}) and is removed",
                  to_string(hash), data_->root.native(), content->size, to_string(content->hash)));
}

const std::filesystem::path& blob_store::root() const noexcept { return data_->root; }

} // namespace maze::io
