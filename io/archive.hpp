#pragma once

#include "maze/core/manifest.hpp"
#include "maze/io/blob_store.hpp"

#include <cstdint>

namespace maze::io {

enum class archive_compression : std::uint8_t { none = 1, zstd = 2 };

/// What an archive from elsewhere may come to.
struct archive_limits {
  std::uint64_t entries_max = 1'000'000;
  /// Bytes of all names and link targets together.
  std::uint64_t names_max = std::uint64_t{128} << 20;
  /// Bytes of all files together, once unpacked.
  std::uint64_t bytes_max = std::uint64_t{64} << 30;
};

/// Writes `files`, with content from `store`, as a tar archive (pax) to the open file `to`, from its
/// position on. Equal maps give equal bytes: no times, no owners. `not_found` for a blob that is
/// absent, `object_lost` for one of another length.
///
/// @pre `files` passes `check_file_map`.
core::result<void> pack_archive(const core::file_map& files, const blob_store& store, int to,
                                archive_compression compression);

/// Reads a tar archive (any tar, plain, gzip or zstd) from the open file `from` into the store.
/// Writes to no path of the archive, so nothing can be overwritten. Refuses with `malformed`, naming
/// the entry: a path or link that leaves the tree (`core::check_path`, `core::check_symlink`),
/// devices, fifos and sockets, a path that stands twice, something below a file or link, a hard link
/// to anything but a file before it, content that is shorter than announced; with `limit_exceeded`
/// what passes `limits`. Owners, times, set-id and sticky bits are dropped.
///
/// @returns what was in it; passes `check_file_map`. Nothing is durable before `blob_store::flush`.
core::result<core::file_map> unpack_archive(int from, blob_store& into,
                                            const archive_limits& limits);

} // namespace maze::io
