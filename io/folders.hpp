#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace maze::io {

/// The start of a path, for messages: hostile paths may be megabytes long.
std::string shown(std::string_view path);

/// Opens the folder `path` below the open folder `parent` (or AT_FDCWD), made with `mode` when it is
/// missing. Never follows a symlink in the last part.
core::result<unique_fd> make_folder(int parent, const std::filesystem::path& path,
                                    std::uint32_t mode);
/// Opens the folder `path` below the open folder `parent`; never follows a symlink in the last part.
core::result<unique_fd> open_folder(int parent, const std::filesystem::path& path);
/// Makes the folder `path` and those above it that are missing; gives it `mode`, whatever the umask.
core::result<void> make_folders(const std::filesystem::path& path,
                                std::optional<std::uint32_t> mode = std::nullopt);
/// Whether nothing lies under `name` in the open folder `parent`.
bool is_gone(int parent, const std::string& name);

/// The same for a folder of a tree that goes away anyway: its owner's bits (0700) are given first.
core::result<unique_fd> open_locked_folder(int parent, const std::string& name);
/// The names in an open folder, without `.` and `..`, in the order of the file system.
core::result<std::vector<std::string>> names_in(int folder);

/// What a walk came upon.
struct walked {
  /// The open folder that holds it, and its name there.
  int folder;
  const std::string& name;
  /// Relative to where the walk began; may be longer than PATH_MAX.
  const std::string& path;
  const struct stat& status;
};

enum class walk_step { go_on, skip };

struct walk_options {
  /// Called for everything but the root, folders before what they hold; `skip` leaves a folder out.
  std::function<core::result<walk_step>(const walked&)> visit;
  /// Called for each folder but the root after what it holds; may be empty.
  std::function<core::result<void>(const walked&)> leave;
  /// Gives folders that deny their owner the bits he needs (0700), for trees that go away anyway.
  bool force = false;
};

/// Walks a tree without recursion, path limits or symlinks, with at most 64 descriptors however deep
/// the tree is. What vanishes meanwhile is passed over.
core::result<void> walk(unique_fd root, const walk_options& options);

/// Removes `name` below the open folder `parent` with everything in it; fine when it is not there.
/// Never follows a symlink.
core::result<void> remove_tree(int parent, const std::string& name);
/// Removes what lies in the open folder, but not itself.
core::result<void> remove_content(unique_fd folder);

} // namespace maze::io
