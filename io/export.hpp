#pragma once

#include "maze/core/manifest.hpp"
#include "maze/io/blob_store.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace maze::io {

/// Writes the files that match one of `globs` (all, where there are none) below `destination`,
/// which must not exist or be an empty folder; `already_exists` otherwise. A glob that fits a folder
/// takes all below it. The files appear under their final names by renaming, after the last of them
/// was written; on failure nothing stays. Never follows a symlink in the place of `destination`.
///
/// @returns what was written.
core::result<core::file_map> export_files(const core::file_map& files,
                                          const std::vector<std::string>& globs, blob_store& store,
                                          const std::filesystem::path& destination);

} // namespace maze::io
