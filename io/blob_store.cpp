#include "maze/io/blob_store.hpp"

#include "maze/core/printable.hpp"
#include "maze/io/blob_folder.hpp"
#include "maze/io/blob_seals.hpp"
#include "maze/io/file_copy.hpp"
#include "maze/io/file_takeover.hpp"
#include "maze/io/hash.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {
namespace {

// Up to here a file is read into memory at once and written only when the store lacks it.
constexpr std::uint64_t small_file_max = std::uint64_t{256} << 10;
// Up to here copying costs no more system calls than taking a file over safely.
constexpr std::int64_t copy_instead_of_move_max = std::int64_t{16} << 10;

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
  std::shared_ptr<blob_folder> folder;
  blob_seals seals;

  explicit data(std::shared_ptr<blob_folder> opened) : folder(std::move(opened)) {}

  core::result<blob_info> settled(blob_folder::temporary_file from,
                                  const hashed_content& content) const {
    const auto added = folder->settle(std::move(from), content);
    if (!added)
      return core::fail(added.error());
    return blob_info{.hash = content.hash, .size = content.size, .added = *added};
  }

  /// Stores content whose hash is known.
  core::result<blob_info> put(std::string_view content, const core::digest& hash) const {
    const hashed_content seen{.hash = hash, .size = content.size()};
    if (folder->present(seen.hash, seen.size))
      return blob_info{.hash = seen.hash, .size = seen.size};
    auto copy = folder->make_temporary();
    if (!copy)
      return core::fail(copy.error());
    const auto done = write_all(copy->fd.get(), content);
    if (done)
      return settled(std::move(*copy), seen);
    folder->drop(copy->name);
    return core::fail(done.error());
  }

  core::result<blob_info> store_copy(int source, const std::stop_token& stop) const {
    auto copy = folder->make_temporary();
    if (!copy)
      return core::fail(copy.error());
    core::result<hashed_content> content;
    if (auto done = copy_content(source, copy->fd.get(), stop); !done)
      content = core::fail(done.error());
    else
      content = hash_file(copy->fd.get(), stop);
    if (content)
      return settled(std::move(*copy), *content);
    folder->drop(copy->name);
    return core::fail(content.error());
  }

  /// The variant of a blob with other permission bits, as a name in `modes/`, made when missing.
  core::result<std::string> variant(const blob_store& self, const core::digest& hash,
                                    std::uint32_t mode) const {
    auto name = fmt::format("{}.{:03o}", to_string(hash), mode);
    if (::faccessat(folder->modes(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return name;
    const auto made = folder->temporary_name();
    if (auto copy = self.copy_to(hash, mode, folder->temporary(), made.c_str()); !copy)
      return core::fail(copy.error());
    if (::renameat(folder->temporary(), made.c_str(), folder->modes(), name.c_str()) != 0) {
      auto what = errno_error(fmt::format("rename to {}", name), errno);
      folder->drop(made);
      return core::fail(std::move(what));
    }
    return name;
  }
};

blob_store::blob_store(std::unique_ptr<data> state) : data_(std::move(state)) {}
blob_store::~blob_store() = default;

core::result<std::shared_ptr<blob_store>> blob_store::open(const std::filesystem::path& root,
                                                           options settings) {
  auto folder = blob_folder::open(root, settings.durable, blob_folder::naming::at_the_end,
                                  settings.claim_life);
  if (!folder)
    return core::fail(folder.error());
  return std::shared_ptr<blob_store>(new blob_store(std::make_unique<data>(std::move(*folder))));
}

core::result<blob_info> blob_store::put_bytes(std::string_view content) {
  return data_->put(content, hash_bytes(content));
}

core::result<blob_info> blob_store::put_expected(const core::blob_id& expected,
                                                 std::string_view content) {
  const hashed_content seen{.hash = hash_bytes(content), .size = content.size()};
  if (seen.hash != expected.hash || seen.size != expected.size)
    return core::fail(wrong_content(expected, seen));
  return data_->put(content, seen.hash);
}

core::result<blob_writer> blob_store::begin_put(const core::blob_id& expected) {
  auto file = data_->folder->make_temporary();
  if (!file)
    return core::fail(file.error());
  return blob_writer(data_->folder, std::move(*file), expected);
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
      || status->st_dev != data_->folder->device())
    return put_copy(fd.get(), stop);
  const auto taken = data_->folder->temporary_name();
  if (::renameat(folder, name, data_->folder->temporary(), taken.c_str()) != 0)
    return put_copy(fd.get(), stop);
  // From here on nobody reaches the file by a path; then look for those who had it open before.
  struct stat moved {};
  const bool same =
      ::fstatat(data_->folder->temporary(), taken.c_str(), &moved, AT_SYMLINK_NOFOLLOW) == 0
      && moved.st_ino == status->st_ino && moved.st_dev == status->st_dev;
  if (same && take_over(fd.get(), blob_folder::blob_mode))
    if (const auto content = hash_file(fd.get(), stop))
      return data_->settled({.name = taken, .fd = {}}, *content);
  data_->folder->drop(taken);
  return put_copy(fd.get(), stop);
}

bool blob_store::has(const core::digest& hash) const {
  return data_->folder->present(hash, std::nullopt);
}

bool blob_store::has(const core::blob_id& blob) const {
  return data_->folder->present(blob.hash, blob.size);
}

core::result<unique_fd> blob_store::open_blob(const core::digest& hash) const {
  unique_fd fd(
      ::openat(data_->folder->blobs(), blob_name(hash).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT)
    return core::fail(absent(hash, data_->folder->root()));
  if (!fd)
    return core::fail(errno_error(fmt::format("open blob {}", to_string(hash)), errno));
  return fd;
}

std::filesystem::path blob_store::path_of(const core::digest& hash) const {
  return data_->folder->root() / "blobs" / blob_name(hash);
}

core::result<void> blob_store::link_to(const core::digest& hash, std::uint32_t mode, int folder,
                                       const char* path) {
  int from = data_->folder->blobs();
  auto name = blob_name(hash);
  if (mode != blob_folder::blob_mode) {
    auto other = data_->variant(*this, hash, mode);
    if (!other)
      return core::fail(other.error());
    from = data_->folder->modes();
    name = std::move(*other);
  }
  if (::linkat(from, name.c_str(), folder, path, 0) == 0)
    return {};
  if (errno == ENOENT && !has(hash))
    return core::fail(absent(hash, data_->folder->root()));
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

core::result<void> blob_store::flush() { return data_->folder->flush(); }

core::result<void> blob_store::verify(const core::digest& hash) {
  const auto fd = open_blob(hash);
  if (!fd)
    return core::fail(fd.error());
  const auto content = hash_file(fd->get());
  if (!content)
    return core::fail(content.error());
  if (content->hash == hash)
    return {};
  data_->folder->remove(hash);
  return core::fail(
      core::errc::object_lost,
      fmt::format("blob {} in {} was damaged (its {} bytes hash to {}) and is removed",
                  to_string(hash), data_->folder->root().native(), content->size,
                  to_string(content->hash)));
}

core::result<std::string> blob_store::sha256_of(const core::digest& hash,
                                                const std::stop_token& stop) {
  const auto file = open_blob(hash);
  if (!file)
    return core::fail(file.error());
  const auto status = status_of(file->get(), "a blob");
  if (!status)
    return core::fail(status.error());
  if (const auto known = data_->seals.find(hash, *status))
    return *known;
  auto seal = sha256_file(file->get(), stop);
  if (seal)
    data_->seals.keep(hash, *status, *seal);
  return seal;
}

core::result<void> blob_store::seal(core::file_map& files, const std::stop_token& stop) {
  for (auto& [path, entry] : files) {
    if (entry.kind != core::file_kind::file)
      continue;
    auto seal = sha256_of(entry.hash, stop);
    if (!seal)
      return core::fail(seal.error());
    entry.sha256 = *seal;
  }
  return {};
}

core::result<void> blob_store::check_seals(const core::file_map& files,
                                           const std::stop_token& stop) {
  for (const auto& [path, entry] : files) {
    if (entry.sha256.empty())
      continue;
    const auto seal = sha256_of(entry.hash, stop);
    if (!seal)
      return core::fail(seal.error());
    if (*seal != entry.sha256)
      return core::fail(
          core::errc::transfer_error,
          fmt::format("{} has SHA-256 {} where its manifest says {}: somebody stored other content "
                      "under its hash {}",
                      core::printable(path), hex(*seal), hex(entry.sha256), to_string(entry.hash)));
  }
  return {};
}

core::result<blob_store::swept> blob_store::sweep(const std::vector<core::digest>& blobs) {
  return data_->folder->sweep(blobs);
}

void blob_store::keep(const core::digest& hash) { data_->folder->keep(hash); }

core::result<std::vector<core::digest>> blob_store::list() const { return data_->folder->list(); }

const std::filesystem::path& blob_store::root() const noexcept { return data_->folder->root(); }

} // namespace maze::io
