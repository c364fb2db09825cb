#pragma once

#include "maze/core/manifest.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/view_store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace maze::io {

/// What a tree looks like on disk.
struct tree_plan {
  /// What to write.
  const core::file_map& files;
  /// Where the modes of folders come from that `files` only implies; 0755 where it has none.
  const core::file_map& surroundings;
  /// Paths to hide in the tree below when this one is a layer of an overlay.
  std::vector<std::string> hidden;
  /// Files of their own instead of links to blobs.
  bool copies = false;
  /// Of everything in the tree, for copies; else the node itself.
  std::optional<view_owner> owner;
};

/// Writes the tree into the open, empty folder `root`, to which nobody else has access yet.
/// `unsupported_operation` where hiding a path takes a right that this process lacks.
///
/// @pre `files` passes `check_file_map`.
core::result<void> build_tree(const tree_plan& plan, blob_store& store, int root);

/// What has to lie over `below` so that `wanted` is seen.
struct tree_difference {
  core::file_map files;
  std::vector<std::string> hidden;
};
tree_difference difference_of(const core::file_map& wanted, const core::file_map& below);

} // namespace maze::io
