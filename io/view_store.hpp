#pragma once

#include "maze/core/file_window.hpp"
#include "maze/core/manifest.hpp"
#include "maze/io/blob_store.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace maze::io {

/// How an attempt's private view comes about.
enum class view_kind : std::uint8_t {
  /// Nothing to see: an empty folder.
  empty = 1,
  /// An overlay that the child's own mount namespace holds over read-only trees.
  overlay = 2,
  /// Copies (reflinks where the file system can).
  copy = 3,
};

/// One attempt's private folder. With `overlay`, whoever starts the child mounts `lower` (uppermost
/// first), `upper` and `work` on `mount_point`; with the other kinds `mount_point` is the folder.
struct view {
  view_kind kind = view_kind::empty;
  std::filesystem::path mount_point;
  std::vector<std::filesystem::path> lower;
  std::filesystem::path upper;
  std::filesystem::path work;
  /// The private folder that holds all of the above.
  std::filesystem::path folder;
  /// What the attempt saw at first, so that changes can be told.
  std::shared_ptr<const core::file_map> base;
  /// What was there and was not shown to it; null: nothing.
  std::shared_ptr<const core::file_map> withheld;
};

struct view_owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct change_filter {
  /// Patterns as in a .gitignore file of paths that are not published (code and caches): see
  /// `default_ignores`.
  std::vector<std::string> ignore;
  /// Patterns of the same kind of paths that are published nevertheless.
  std::vector<std::string> include;
  /// Globs of such paths, with all that lies below them; these go first.
  std::vector<std::string> publish;
  /// Globs of paths, with all that lies below them, whose removal counts although they are left out.
  std::vector<std::string> deletes;
};

struct changes {
  core::manifest_delta delta;
  /// Bytes of new blobs.
  std::uint64_t bytes = 0;
  /// Paths that the filter left out; a folder stands for all below it.
  std::vector<std::string> ignored;
  /// Files that were there at first and have more than one name now.
  std::vector<std::string> linked;
  /// Files that are as they were at first, but something other than reading was done to them: they were opened for writing,
  /// their attributes were set, or they had one more name. Known of overlays only.
  std::vector<std::string> touched;
};

/// `*.py`, `*.pyc`, `__pycache__` and `.git`.
const std::vector<std::string>& default_ignores();

/// Makes, reads and removes the private views of one run's attempts on one node. Trees that several
/// attempts see are built once, as hard links to blobs, and never shown to a child except below an
/// overlay. On disk: io/README.md, "Trees and views".
///
/// @note Thread-safe. Blocks on disk.
class view_store {
public:
  struct options {
    /// Folder for trees and views; on the store's file system.
    std::filesystem::path root;
    /// Whether children of this node can have overlays (probed by the sandbox).
    bool overlay = true;
    /// Trees that no view uses any more and that are kept for the next one like them.
    std::size_t spare_trees = 8;
  };

  view_store(std::shared_ptr<blob_store> blobs, options settings);
  /// Removes the trees; views that were not removed stay.
  ~view_store();
  view_store(const view_store&) = delete;
  view_store& operator=(const view_store&) = delete;

  /// Sets what every attempt of the run sees at least.
  core::result<void> set_base(const core::file_map& files);
  /// A fresh private view: the base with `published` laid over it, owned by `owner`.
  /// @param copied  no overlay: for a child that somebody starts who does not see what is mounted for it
  /// @param window  what of it is there; nothing: all
  core::result<view> make(const std::string& name, const core::manifest_delta& published,
                          std::optional<view_owner> owner, bool copied = false,
                          const std::optional<core::file_window>& window = std::nullopt);
  /// What the attempt wrote and removed, its new content moved into the blob store. Call it when no
  /// process of the attempt lives, and only once: it may take the view apart. Refuses symlinks out of
  /// the tree, devices, sockets and fifos by name (`invalid_payload`); never follows a link.
  /// `cancelled` soon after `stop` was requested: what is left of the view is then good for nothing
  /// but `remove`.
  core::result<changes> collect(const view& seen, const change_filter& filter,
                                const std::stop_token& stop = {});
  /// Removes the view; whatever is in it is gone.
  core::result<void> remove(const view& seen);

private:
  struct data;
  std::unique_ptr<data> data_;
};

} // namespace maze::io
