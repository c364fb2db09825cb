#include "maze/io/archive.hpp"

#include "maze/io/folders.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace maze::io {

namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10;
// Up to here content is kept in memory until the store has it.
constexpr std::uint64_t small_file_max = std::uint64_t{1} << 20;

struct free_archive {
  void operator()(archive* x) const { ::archive_free(x); }
};
using archive_ptr = std::unique_ptr<archive, free_archive>;
struct free_entry {
  void operator()(archive_entry* x) const { ::archive_entry_free(x); }
};

core::error library_error(archive* from, core::errc code, std::string_view doing) {
  const char* text = ::archive_error_string(from);
  return {.code = code, .message = fmt::format("{}: {}", doing, text != nullptr ? text : "failed")};
}

core::result<void> write_content(archive* out, const std::string& path,
                                 const core::file_entry& entry, const blob_store& store) {
  const auto file = store.open_blob(entry.hash);
  if (!file)
    return core::fail(file.error());
  std::vector<char> piece(piece_size);
  for (std::uint64_t at = 0; at < entry.size;) {
    const auto wanted = std::min<std::uint64_t>(piece.size(), entry.size - at);
    const auto got = ::pread(file->get(), piece.data(), wanted, static_cast<off_t>(at));
    if (got < 0)
      return core::fail(errno_error(fmt::format("read blob of {}", shown(path)), errno));
    if (got == 0)
      return core::fail(core::errc::object_lost,
                        fmt::format("{}: its blob {} is shorter than {} bytes", shown(path),
                                    to_string(entry.hash), entry.size));
    if (::archive_write_data(out, piece.data(), static_cast<std::size_t>(got)) != got)
      return core::fail(library_error(out, core::errc::io_error, "write archive"));
    at += static_cast<std::uint64_t>(got);
  }
  return {};
}

core::result<void> write_entry(archive* out, const std::string& path, const core::file_entry& entry,
                               const blob_store& store) {
  const std::unique_ptr<archive_entry, free_entry> header(::archive_entry_new());
  ::archive_entry_copy_pathname(header.get(), path.c_str());
  ::archive_entry_set_perm(header.get(), entry.mode);
  ::archive_entry_set_mtime(header.get(), 0, 0);
  switch (entry.kind) {
  case core::file_kind::file:
    ::archive_entry_set_filetype(header.get(), AE_IFREG);
    ::archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.size));
    break;
  case core::file_kind::directory:
    ::archive_entry_set_filetype(header.get(), AE_IFDIR);
    break;
  case core::file_kind::symlink:
    ::archive_entry_set_filetype(header.get(), AE_IFLNK);
    ::archive_entry_copy_symlink(header.get(), entry.target.c_str());
    break;
  }
  if (::archive_write_header(out, header.get()) != ARCHIVE_OK)
    return core::fail(library_error(out, core::errc::io_error,
                                    fmt::format("write archive entry {}", shown(path))));
  return entry.kind == core::file_kind::file ? write_content(out, path, entry, store)
                                             : core::result<void>();
}

/// Reads one archive, entry by entry.
class unpacker {
public:
  unpacker(archive* in, blob_store& into, const archive_limits& limits)
      : in_(in), into_(into), limits_(limits), piece_(piece_size) {}

  core::result<core::file_map> run() {
    archive_entry* entry = nullptr;
    for (;;) {
      const int got = ::archive_read_next_header(in_, &entry);
      if (got == ARCHIVE_EOF)
        break;
      // A warning is about what we do not use (times, unknown attributes) or about the name, which
      // is checked as it is.
      if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
        return core::fail(library_error(in_, core::errc::malformed, "read archive"));
      if (auto done = take(entry); !done)
        return core::fail(done.error());
    }
    if (auto good = core::check_file_map(files_); !good)
      return core::fail(good.error());
    return std::move(files_);
  }

private:
  core::result<void> take(archive_entry* entry) {
    const char* name = ::archive_entry_pathname(entry);
    if (name == nullptr)
      return core::fail(core::errc::malformed, "an archive entry has no name");
    std::string path(name);
    if (++entries_ > limits_.entries_max)
      return too_much("entries", limits_.entries_max);
    names_ += path.size();
    if (names_ > limits_.names_max)
      return too_much("bytes of names", limits_.names_max);
    // What tar itself writes: ./a for a, and a slash behind folders.
    const bool folder = ::archive_entry_filetype(entry) == AE_IFDIR;
    while (path.starts_with("./"))
      path.erase(0, 2);
    if (folder && path.ends_with('/'))
      path.pop_back();
    if (folder && (path.empty() || path == "."))
      return {};
    if (auto good = core::check_path(path); !good)
      return good;
    auto made = read(entry, path);
    if (!made)
      return core::fail(made.error());
    if (!files_.emplace(path, std::move(*made)).second)
      return refused(path, "stands in the archive twice");
    return {};
  }

  core::result<core::file_entry> read(archive_entry* entry, const std::string& path) {
    const auto mode = static_cast<std::uint32_t>(::archive_entry_perm(entry)) & 0777U;
    if (const char* target = ::archive_entry_hardlink(entry); target != nullptr)
      return hard_link(path, target);
    switch (::archive_entry_filetype(entry)) {
    case AE_IFREG:
      return file(entry, path, mode);
    case AE_IFDIR:
      return core::file_entry{.kind = core::file_kind::directory, .mode = mode};
    case AE_IFLNK: {
      const char* target = ::archive_entry_symlink(entry);
      core::file_entry out{.kind = core::file_kind::symlink,
                           .mode = 0777,
                           .target = target != nullptr ? target : ""};
      names_ += out.target.size();
      if (auto good = core::check_symlink(path, out.target); !good)
        return core::fail(good.error());
      return out;
    }
    default:
      return refused(path,
                     "is a device, fifo or socket, and only files, folders and links are kept");
    }
  }

  core::result<core::file_entry> hard_link(const std::string& path, std::string target) {
    while (target.starts_with("./"))
      target.erase(0, 2);
    const auto found = files_.find(target);
    if (found == files_.end() || found->second.kind != core::file_kind::file)
      return refused(path, "is a hard link to something that is no file before it");
    return found->second;
  }

  core::result<core::file_entry> file(archive_entry* entry, const std::string& path,
                                      std::uint32_t mode) {
    const auto announced = ::archive_entry_size(entry);
    if (!::archive_entry_size_is_set(entry) || announced < 0)
      return refused(path, "has no size");
    const auto size = static_cast<std::uint64_t>(announced);
    if (size > limits_.bytes_max - bytes_)
      return too_much("bytes", limits_.bytes_max);
    bytes_ += size;
    const auto stored = size <= small_file_max ? small(path, size) : large(path, size);
    if (!stored)
      return core::fail(stored.error());
    return core::file_entry{
        .kind = core::file_kind::file, .hash = stored->hash, .size = stored->size, .mode = mode};
  }

  core::result<blob_info> small(const std::string& path, std::uint64_t size) {
    std::string content;
    const auto done = content_of(path, size, [&](std::string_view piece) -> core::result<void> {
      content += piece;
      return {};
    });
    return done ? into_.put_bytes(content) : core::fail(done.error());
  }

  core::result<blob_info> large(const std::string& path, std::uint64_t size) {
    const unique_fd kept(::open(into_.root().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!kept)
      return core::fail(
          errno_error(fmt::format("create a file in {}", into_.root().native()), errno));
    const auto done = content_of(
        path, size, [&](std::string_view piece) { return write_all(kept.get(), piece); });
    return done ? into_.put_copy(kept.get()) : core::fail(done.error());
  }

  template <class Keep>
  core::result<void> content_of(const std::string& path, std::uint64_t size, Keep keep) {
    for (std::uint64_t came = 0;;) {
      const auto got = ::archive_read_data(in_, piece_.data(), piece_.size());
      if (got < 0)
        return core::fail(
            library_error(in_, core::errc::malformed, fmt::format("read {}", shown(path))));
      came += static_cast<std::uint64_t>(got);
      if (came > size || (got == 0 && came < size))
        return refused(path, fmt::format("does not have the {} bytes that it announces", size));
      if (got == 0)
        return {};
      if (auto done = keep(std::string_view(piece_.data(), static_cast<std::size_t>(got))); !done)
        return done;
    }
  }

  static tl::unexpected<core::error> refused(const std::string& path, std::string_view why) {
    return core::fail(core::errc::malformed, fmt::format("archive: '{}' {}", shown(path), why));
  }
  static tl::unexpected<core::error> too_much(std::string_view what, std::uint64_t limit) {
    return core::fail(core::errc::limit_exceeded,
                      fmt::format("the archive has more than {} {}", limit, what));
  }

  archive* in_;
  blob_store& into_;
  const archive_limits& limits_;
  std::vector<char> piece_;
  core::file_map files_;
  std::uint64_t entries_ = 0;
  std::uint64_t names_ = 0;
  std::uint64_t bytes_ = 0;
};

} // namespace

core::result<void> pack_archive(const core::file_map& files, const blob_store& store, int to,
                                archive_compression compression) {
  const archive_ptr out(::archive_write_new());
  ::archive_write_set_format_pax_restricted(out.get());
  // Names are bytes, whatever the locale is.
  ::archive_write_set_options(out.get(), "hdrcharset=BINARY");
  if (compression == archive_compression::zstd
      && ::archive_write_add_filter_zstd(out.get()) != ARCHIVE_OK)
    return core::fail(library_error(out.get(), core::errc::unsupported_operation, "zstd"));
  // No padding to a tape's block: the archive ends where it ends.
  ::archive_write_set_bytes_in_last_block(out.get(), 1);
  if (::archive_write_open_fd(out.get(), to) != ARCHIVE_OK)
    return core::fail(library_error(out.get(), core::errc::io_error, "open archive"));
  for (const auto& [path, entry] : files)
    if (auto done = write_entry(out.get(), path, entry, store); !done)
      return done;
  if (::archive_write_close(out.get()) != ARCHIVE_OK)
    return core::fail(library_error(out.get(), core::errc::io_error, "finish archive"));
  return {};
}

core::result<core::file_map> unpack_archive(int from, blob_store& into,
                                            const archive_limits& limits) {
  const archive_ptr in(::archive_read_new());
  ::archive_read_support_format_tar(in.get());
  ::archive_read_support_filter_gzip(in.get());
  ::archive_read_support_filter_zstd(in.get());
  ::archive_read_set_options(in.get(), "hdrcharset=BINARY");
  if (::archive_read_open_fd(in.get(), from, piece_size) != ARCHIVE_OK)
    return core::fail(library_error(in.get(), core::errc::malformed, "open archive"));
  return unpacker(in.get(), into, limits).run();
}

} // namespace maze::io
