#pragma once

#include "maze/core/manifest.hpp"
#include "maze/core/workflow.hpp"
#include "maze/io/blob_store.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <vector>

namespace maze::io {

/// What `take_snapshot` saw.
struct snapshot {
  core::file_map files;
  std::uint64_t bytes = 0;
};

/// How far a snapshot is; another thread may look at it meanwhile.
struct snapshot_progress {
  std::atomic<std::uint64_t> files{0};
  std::atomic<std::uint64_t> bytes{0};
};

struct snapshot_options {
  /// Makes the snapshot fail with `cancelled` soon after a stop was requested.
  std::stop_token stop;
  /// Told after each file; may be null.
  snapshot_progress* progress = nullptr;
};

/// Hashes and stores what `sources` name, relative to `folder`: afterwards nothing that happens to
/// the originals matters. Fails with `not_found` (a source that matches nothing, by name),
/// `file_conflict` (two sources give one path different content) or `malformed` (a symlink that
/// leaves the tree, a device, a socket, `match` or `except` on a file), each naming the source by its
/// index and the path, and saying what to write instead.
///
/// A `from` that is itself a symlink is followed; symlinks below it are kept as they are. Empty
/// folders are kept. A `match` that fits a folder takes all below it, an `except` that fits one leaves
/// all below it out. What vanishes while its folder
/// is read counts as gone before.
///
/// @note Blocks on disk. Nothing is durable before `blob_store::flush`.
core::result<snapshot> take_snapshot(const std::vector<core::file_source>& sources,
                                     const std::filesystem::path& folder, blob_store& store,
                                     const snapshot_options& how = {});

} // namespace maze::io
