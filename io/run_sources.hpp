#pragma once

#include "maze/core/archive_refs.hpp"
#include "maze/core/library.hpp"
#include "maze/core/workflow.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/snapshot.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace maze::io {

/// A file that travels with a run, found.
struct library_file {
  unique_fd fd;
  std::uint64_t size = 0;
};

/// Opens the file of the library `name`. Fails with `not_found` or `io_error`, with `invalid_argument` for
/// anything but a regular file, an empty one and one beyond 4 GiB; each names library and path.
core::result<library_file> open_library(const std::string& name, const std::filesystem::path& path);

/// The same for an archive of an image, up to 64 GiB.
core::result<library_file> open_archive(const std::string& name, const std::filesystem::path& path);

/// Takes the task libraries of `folder` into `store` and keeps them there as long as it is open: runs that use the same
/// bytes, under whatever name, need not bring them. @returns the files that were left out and why, for people. Fails as
/// `list_libraries`, `open_library` and `blob_store::put_copy`.
/// @note Blocks on disk.
core::result<std::vector<std::string>> stock_libraries(const std::filesystem::path& folder,
                                                       blob_store& store);

/// All that travels with a run.
struct run_sources {
  core::file_map files;
  core::library_refs libraries;
  core::archive_refs archives;
};

/// Takes what `work` names, relative to `folder`, into `store`: the snapshot of its files, the Python files of
/// its tasks that this does not hold already, its libraries, and the archives of images that its tasks name. Fails as `take_snapshot`, `open_library` and `open_archive`; a
/// Python file that is nowhere is `not_found` naming the task. With `rules.sha256` files carry their SHA-256.
///
/// @note Blocks on disk. Nothing is durable before `blob_store::flush`.
core::result<run_sources> take_sources(const core::workflow& work,
                                       const std::filesystem::path& folder, blob_store& store,
                                       const snapshot_options& how = {});

} // namespace maze::io
