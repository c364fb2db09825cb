#include "maze/io/blob_folder.hpp"

#include "maze/io/folders.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace maze::io {

namespace {

// Above this many blobs one syncfs is cheaper than an fsync for each.
constexpr std::size_t single_syncs_max = 16;

} // namespace

std::string blob_name(const core::digest& hash) {
  const auto hex = to_string(hash);
  return hex.substr(0, 2) + '/' + hex;
}

core::result<std::shared_ptr<blob_folder>> blob_folder::open(const std::filesystem::path& root,
                                                             bool durable, naming wish,
                                                             std::chrono::nanoseconds claim_life) {
  std::shared_ptr<blob_folder> made(new blob_folder(claim_life));
  made->root_ = std::filesystem::absolute(root);
  made->durable_ = durable;
  std::error_code failure;
  const auto parent = made->root_.parent_path();
  std::filesystem::create_directories(parent, failure);
  if (failure)
    return core::fail(errno_error(fmt::format("mkdir {}", parent.native()), failure.value()));
  auto top = make_folder(AT_FDCWD, made->root_, 0700);
  if (!top)
    return core::fail(top.error());
  made->root_fd_ = std::move(*top);
  if (::flock(made->root_fd_.get(), LOCK_EX | LOCK_NB) != 0)
    return core::fail(
        core::errc::already_exists,
        fmt::format("the blob store {} is open already: end the process that uses it, or choose "
                    "another folder",
                    made->root_.native()));
  made->sync_all_ = std::filesystem::exists(made->root_ / "blobs", failure);
  for (const auto& [name, fd] :
       {std::pair{"blobs", &made->blobs_}, std::pair{"modes", &made->modes_},
        std::pair{"tmp", &made->temporary_}}) {
    auto opened = make_folder(made->root_fd_.get(), name, 0700);
    if (!opened)
      return core::fail(opened.error());
    *fd = std::move(*opened);
    // Variants are never synced: after a power failure they are not to be trusted.
    if (fd != &made->blobs_)
      if (auto swept = remove_content(unique_fd(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0))); !swept)
        return core::fail(swept.error());
  }
  struct stat status {};
  if (::fstat(made->blobs_.get(), &status) == 0)
    made->device_ = status.st_dev;
  if (wish == naming::at_the_end && made->can_name_at_the_end())
    made->naming_ = naming::at_the_end;
  return made;
}

bool blob_folder::can_name_at_the_end() const {
  const unique_fd fd(::openat(temporary_.get(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, blob_mode));
  if (!fd || ::linkat(fd.get(), "", temporary_.get(), "0", AT_EMPTY_PATH) != 0)
    return false;
  drop("0");
  return true;
}

core::result<blob_folder::temporary_file> blob_folder::make_temporary() {
  temporary_file made;
  if (naming_ == naming::at_the_end) {
    made.fd.reset(::openat(temporary_.get(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, blob_mode));
  } else {
    made.name = temporary_name();
    made.fd.reset(::openat(temporary_.get(), made.name.c_str(),
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, blob_mode));
  }
  // Not left to the umask: trees that hold a link to a blob promise this mode.
  if (!made.fd || ::fchmod(made.fd.get(), blob_mode) != 0)
    return core::fail(
        errno_error(fmt::format("create a file in {}", (root_ / "tmp").native()), errno));
  return made;
}

void blob_folder::drop(const std::string& temporary) const {
  if (!temporary.empty())
    ::unlinkat(temporary_.get(), temporary.c_str(), 0);
}

bool blob_folder::present(const core::digest& hash, std::optional<std::uint64_t> size) {
  // Before the look: else a sweep could take the blob between the two.
  claims_.claim(hash);
  struct stat status {};
  return ::fstatat(blobs_.get(), blob_name(hash).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0
         && S_ISREG(status.st_mode)
         && (!size || static_cast<std::uint64_t>(status.st_size) == *size);
}

/// 0, or the errno of what failed.
int blob_folder::place_in_folder(const temporary_file& file, const std::string& to,
                                 unsigned flags) const {
  const bool done =
      file.name.empty()
          ? ::linkat(file.fd.get(), "", blobs_.get(), to.c_str(), AT_EMPTY_PATH) == 0
          : ::renameat2(temporary_.get(), file.name.c_str(), blobs_.get(), to.c_str(), flags) == 0;
  return done ? 0 : errno;
}

int blob_folder::place(const temporary_file& file, const std::string& to, unsigned flags) const {
  const int failure = place_in_folder(file, to, flags);
  if (failure != ENOENT)
    return failure;
  if (::mkdirat(blobs_.get(), to.substr(0, 2).c_str(), 0700) != 0 && errno != EEXIST)
    return errno;
  return place_in_folder(file, to, flags);
}

core::result<bool> blob_folder::settle(temporary_file file, const hashed_content& content) {
  const auto to = blob_name(content.hash);
  claims_.claim(content.hash);
  // A flush sees the name and the note, or neither: who finds the blob and then flushes is safe.
  std::unique_lock lock(guard_, std::defer_lock);
  if (durable_)
    lock.lock();
  int failure = place(file, to, RENAME_NOREPLACE);
  if (failure == EEXIST && present(content.hash, content.size)) {
    drop(file.name);
    return false;
  }
  // Another length under this hash is damage; EINVAL: no RENAME_NOREPLACE on this file system.
  if (failure == EEXIST && file.name.empty()) {
    file.name = temporary_name();
    failure = ::linkat(file.fd.get(), "", temporary_.get(), file.name.c_str(), AT_EMPTY_PATH) == 0
                  ? EEXIST
                  : errno;
  }
  if (failure == EEXIST || failure == EINVAL)
    failure = place(file, to, 0);
  if (failure != 0) {
    drop(file.name);
    return core::fail(errno_error(fmt::format("rename to blob {}", to), failure));
  }
  if (durable_)
    unsynced_.push_back(content.hash);
  return true;
}

void blob_folder::remove(const core::digest& hash) const {
  ::unlinkat(blobs_.get(), blob_name(hash).c_str(), 0);
  remove_variants({hash});
}

void blob_folder::remove_variants(const core::digest_set& of) const {
  std::error_code failure;
  for (std::filesystem::directory_iterator at(root_ / "modes", failure), end; !failure && at != end;
       at.increment(failure)) {
    const auto name = at->path().filename().native();
    const auto blob = core::digest_from_string(name.substr(0, name.find('.')));
    if (blob && of.count(*blob) > 0)
      ::unlinkat(modes_.get(), name.c_str(), 0);
  }
}

core::result<blob_folder::swept> blob_folder::sweep(const std::vector<core::digest>& blobs) {
  swept out;
  core::digest_set gone;
  for (const auto& hash : blobs) {
    const auto name = blob_name(hash);
    struct stat status {};
    if (::fstatat(blobs_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    int failure = 0;
    const bool mine = claims_.unless_claimed(
        hash, [&] { failure = ::unlinkat(blobs_.get(), name.c_str(), 0) == 0 ? 0 : errno; });
    if (!mine) {
      out.claimed.push_back(hash);
      out.claimed_bytes += static_cast<std::uint64_t>(status.st_size);
    } else if (failure == 0) {
      out.removed.push_back(hash);
      out.bytes += static_cast<std::uint64_t>(status.st_size);
      gone.insert(hash);
    } else if (failure != ENOENT) {
      return core::fail(errno_error(fmt::format("remove blob {}", name), failure));
    }
  }
  if (!gone.empty())
    remove_variants(gone);
  return out;
}

core::result<std::vector<core::digest>> blob_folder::list() const {
  std::vector<core::digest> out;
  std::error_code failure;
  for (std::filesystem::recursive_directory_iterator at(root_ / "blobs", failure), end;
       !failure && at != end; at.increment(failure))
    if (const auto blob = core::digest_from_string(at->path().filename().native()))
      out.push_back(*blob);
  if (failure)
    return core::fail(
        errno_error(fmt::format("list {}", (root_ / "blobs").native()), failure.value()));
  return out;
}

core::result<void> blob_folder::sync_blob(const core::digest& hash) const {
  const auto name = blob_name(hash);
  for (const auto& path : {name, name.substr(0, 2)}) {
    const unique_fd fd(::openat(blobs_.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    // Gone again: it was damaged and removed.
    if (!fd && errno == ENOENT)
      continue;
    if (!fd || ::fsync(fd.get()) != 0)
      return core::fail(errno_error(fmt::format("fsync blob {}", path), errno));
  }
  return {};
}

core::result<void> blob_folder::sync(const std::vector<core::digest>& fresh, bool all) const {
  if (all || fresh.size() > single_syncs_max) {
    if (::syncfs(blobs_.get()) != 0)
      return core::fail(errno_error(fmt::format("syncfs {}", root_.native()), errno));
    return {};
  }
  for (const auto& hash : fresh)
    if (auto done = sync_blob(hash); !done)
      return done;
  if (!fresh.empty() && ::fsync(blobs_.get()) != 0)
    return core::fail(errno_error(fmt::format("fsync {}", root_.native()), errno));
  return {};
}

core::result<void> blob_folder::flush() {
  if (!durable_)
    return {};
  const std::lock_guard one_at_a_time(flushing_);
  std::vector<core::digest> fresh;
  bool all = false;
  {
    const std::lock_guard lock(guard_);
    fresh.swap(unsynced_);
    all = std::exchange(sync_all_, false);
  }
  auto done = sync(fresh, all);
  if (!done) {
    const std::lock_guard lock(guard_);
    sync_all_ = true;
  }
  return done;
}

} // namespace maze::io
