#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

enum class file_kind : std::uint8_t { file = 1, directory = 2, symlink = 3 };
/// Whether the number names a kind.
constexpr bool is_known(file_kind x) noexcept {
  return x >= file_kind::file && x <= file_kind::symlink;
}

/// What lies under one path. Times, owners and devices are deliberately absent.
struct file_entry {
  file_kind kind = file_kind::file;
  /// Content hash of a file; of a symlink, unused.
  digest hash;
  /// Bytes of a file; 0 otherwise.
  std::uint64_t size = 0;
  /// Permission bits, 0 to 0777 (set-id and sticky bits never travel).
  std::uint32_t mode = 0644;
  /// Where a symlink leads: relative, and inside the tree.
  std::string target;
  /// SHA-256 of a file's content, 32 bytes, where its run wants more than `hash` to vouch for that: XXH3
  /// tells apart what differs by chance, not what somebody made to collide. Else empty.
  std::string sha256 = {};

  friend bool operator==(const file_entry&, const file_entry&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, file_entry& x) {
    return f(x.kind, x.hash, x.size, x.mode, x.target, x.sha256);
  }
};

/// Whether both say the same of what lies there, whoever vouches for it.
inline bool same_content(file_entry a, const file_entry& b) {
  a.sha256 = b.sha256;
  return a == b;
}

/// Whether `path` lies below the folder `folder` ("" is the root), by text alone.
bool lies_below(std::string_view path, std::string_view folder) noexcept;

/// Calls `visit` for `a`, then `a/b`, for the path `a/b/c`.
void for_each_folder(std::string_view path, const auto& visit) {
  for (auto slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1))
    visit(path.substr(0, slash));
}

/// Relative path (bytes, `/` between parts) -> what lies there, in byte order of the paths.
using file_map = std::map<std::string, file_entry, std::less<>>;

/// Checks one relative path: not empty, not absolute, no empty, `.` or `..` part, no NUL, at most
/// 4095 bytes and 255 a part. Fails with `malformed` naming the path and the rule.
result<void> check_path(std::string_view path);
/// Checks that a symlink at `path` with `target` stays inside the tree, by text alone: relative, and
/// `..` only in front and not too often, so that no other link of the tree can turn it elsewhere.
result<void> check_symlink(std::string_view path, std::string_view target);

/// Whether something lies below `folder`.
bool holds_below(const file_map& files, const std::string& folder);
/// Removes everything below `folder`, but not `folder` itself.
void erase_below(file_map& files, std::string_view folder);

/// The files that one task attempt changed.
struct manifest_delta {
  /// New and changed entries.
  file_map written;
  /// Paths of its view that the attempt removed. They stay local to the attempt unless its task
  /// declares deletions.
  std::vector<std::string> removed;

  friend bool operator==(const manifest_delta&, const manifest_delta&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, manifest_delta& x) {
    return f(x.written, x.removed);
  }
};

/// Checks every path and symlink, that each entry says only what its kind allows (a file has no
/// target, a folder no hash), and that no entry lies below a file or symlink of the same map.
result<void> check_file_map(const file_map& files);

/// The canonical binary form (core/README.md); equal maps encode to equal bytes.
std::string encode_manifest(const file_map& files);
/// The inverse. Fails with `malformed` or `limit_exceeded` naming the offset; the result has passed
/// `check_file_map`.
result<file_map> decode_manifest(std::string_view encoded);

/// `files` with `delta` laid over it: first what is removed goes, with everything below it, then what
/// is written replaces what was there (a file replaces a directory and everything below it, and a
/// path below a file replaces that file). If both maps pass `check_file_map`, so does the result.
file_map apply(file_map files, const manifest_delta& delta);

} // namespace maze::core
