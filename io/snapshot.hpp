#pragma once

#include "maze/core/manifest.hpp"
#include "maze/core/workflow.hpp"
#include "maze/io/blob_store.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace maze::io {

/// What `take_snapshot` saw.
struct snapshot {
  core::file_map files;
  std::uint64_t bytes = 0;
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
                                     const std::filesystem::path& folder, blob_store& store);

} // namespace maze::io
