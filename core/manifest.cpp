#include "maze/core/manifest.hpp"

#include "maze/core/codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {

namespace {

constexpr std::size_t sha256_bytes = 32;
constexpr std::size_t path_length_max = 4095;
constexpr std::size_t part_length_max = 255;
constexpr std::uint8_t manifest_version = 1;

/// The start of a path, for messages: hostile paths may be megabytes long.
std::string shown(std::string_view path) {
  constexpr std::size_t length_max = 300;
  return path.size() <= length_max ? std::string(path)
                                   : fmt::format("{}...", path.substr(0, length_max));
}

tl::unexpected<error> bad_path(std::string_view path, std::string_view rule) {
  return fail(errc::malformed, fmt::format("path '{}' {}", shown(path), rule));
}

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

result<void> check_part(std::string_view path, std::string_view part) {
  if (part.empty())
    return bad_path(path, "has an empty part: write single slashes and none at the end");
  if (part == "." || part == "..")
    return bad_path(path, "has a '.' or '..' part: write the path without");
  if (part.size() > part_length_max)
    return bad_path(path, "has a part of more than 255 bytes");
  return {};
}

result<void> check_entry(const std::string& path, const file_entry& entry) {
  if (auto done = check_path(path); !done)
    return done;
  if ((entry.mode & ~0777U) != 0)
    return bad_path(path, "has a mode beyond 0777");
  if (entry.kind != file_kind::file
      && (entry.hash != digest{} || entry.size != 0 || !entry.sha256.empty()))
    return bad_path(path, "has content although it is not a file");
  if (!entry.sha256.empty() && entry.sha256.size() != sha256_bytes)
    return bad_path(path, "has a SHA-256 of another length than 32 bytes");
  if (entry.kind == file_kind::symlink)
    return check_symlink(path, entry.target);
  if (!entry.target.empty())
    return bad_path(path, "has a target although it is not a symlink");
  return {};
}

/// The nearest folder above `path` that has an entry decides: it was checked against its own.
result<void> check_above(const file_map& files, std::string_view path) {
  for (auto above = parent_of(path); !above.empty(); above = parent_of(above)) {
    const auto found = files.find(above);
    if (found == files.end())
      continue;
    if (found->second.kind != file_kind::directory)
      return bad_path(path, fmt::format("lies below '{}', which is no folder", shown(above)));
    return {};
  }
  return {};
}

void erase_files_above(file_map& files, std::string_view path) {
  for (auto above = parent_of(path); !above.empty(); above = parent_of(above))
    if (const auto found = files.find(above);
        found != files.end() && found->second.kind != file_kind::directory)
      files.erase(found);
}

} // namespace

bool lies_below(std::string_view path, std::string_view folder) noexcept {
  if (folder.empty())
    return !path.empty();
  return path.size() > folder.size() && path[folder.size()] == '/' && path.starts_with(folder);
}

bool holds_below(const file_map& files, const std::string& folder) {
  const auto first = files.lower_bound(folder + '/');
  return first != files.end() && lies_below(first->first, folder);
}

void erase_below(file_map& files, std::string_view folder) {
  if (folder.empty())
    return files.clear();
  // '0' is the byte after '/': the entries below a folder are one range of the map.
  const std::string first = std::string(folder) + '/';
  const std::string last = std::string(folder) + '0';
  files.erase(files.lower_bound(first), files.lower_bound(last));
}

result<void> check_path(std::string_view path) {
  if (path.empty())
    return bad_path(path, "is empty");
  if (path.size() > path_length_max)
    return bad_path(path, "is longer than 4095 bytes");
  if (path.front() == '/')
    return bad_path(path, "is absolute: write it relative to the taskspace");
  if (path.find('\0') != std::string_view::npos)
    return bad_path(path, "contains a NUL byte");
  for (std::size_t start = 0; start <= path.size();) {
    const auto end = std::min(path.find('/', start), path.size());
    if (auto done = check_part(path, path.substr(start, end - start)); !done)
      return done;
    start = end + 1;
  }
  return {};
}

result<void> check_symlink(std::string_view path, std::string_view target) {
  if (auto done = check_path(path); !done)
    return done;
  const auto bad = [&](std::string_view rule) {
    return fail(errc::malformed,
                fmt::format("symlink '{}' -> '{}' {}", shown(path), shown(target), rule));
  };
  if (target.empty())
    return bad("leads nowhere");
  if (target.size() > path_length_max)
    return bad("has a target of more than 4095 bytes");
  if (target.find('\0') != std::string_view::npos)
    return bad("has a NUL byte in its target");
  if (target.front() == '/')
    return bad("is absolute: only links inside the taskspace are kept");
  auto depth = std::count(path.begin(), path.end(), '/');
  bool named = false;
  for (std::size_t start = 0; start <= target.size();) {
    const auto end = std::min(target.find('/', start), target.size());
    const auto part = target.substr(start, end - start);
    if (part == ".." && named)
      return bad("has '..' after a name, which another link may turn elsewhere: write it without");
    if (part == ".." && --depth < 0)
      return bad("leaves the taskspace: only links inside it are kept");
    named = named || (!part.empty() && part != "." && part != "..");
    start = end + 1;
  }
  return {};
}

result<void> check_file_map(const file_map& files) {
  for (const auto& [path, entry] : files) {
    if (auto done = check_entry(path, entry); !done)
      return done;
    if (auto done = check_above(files, path); !done)
      return done;
  }
  return {};
}

std::string encode_manifest(const file_map& files) {
  binary_writer writer;
  writer.byte(manifest_version);
  writer(files);
  return std::move(writer).bytes();
}

result<file_map> decode_manifest(std::string_view encoded) {
  binary_reader reader(encoded, "manifest");
  if (const auto version = reader.byte(); version != manifest_version)
    reader.refuse(0, fmt::format("version {}, this maze reads version 1", version));
  file_map files;
  reader(files);
  if (auto done = reader.finish(); !done)
    return fail(done.error());
  if (auto done = check_file_map(files); !done)
    return fail(done.error());
  return files;
}

file_map apply(file_map files, const manifest_delta& delta) {
  for (const auto& path : delta.removed) {
    files.erase(path);
    if (!path.empty())
      erase_below(files, path);
  }
  for (const auto& [path, entry] : delta.written) {
    erase_files_above(files, path);
    if (entry.kind != file_kind::directory)
      erase_below(files, path);
    files.insert_or_assign(path, entry);
  }
  return files;
}

} // namespace maze::core
