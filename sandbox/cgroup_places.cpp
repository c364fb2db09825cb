#include "maze/sandbox/cgroup_places.hpp"

#include <algorithm>
#include <bit>
#include <optional>

namespace maze::sandbox {
namespace {

/// Takes what lies before the first `end`, or all, off the front.
std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const auto out = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return out;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty())
    out.emplace_back(take_until(text, ','));
  return out;
}

/// Spaces, tabs, line ends and backslashes come as three octal digits.
std::string unescape(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2])
        && is_octal(text[i + 3])) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  return out;
}

struct cgroup_mount {
  bool unified = false;
  std::vector<std::string> controllers;
  /// The group that is mounted, and where.
  std::string root;
  std::string point;
};

std::optional<cgroup_mount> mount_in(std::string_view line) {
  // Number, parent and device come first.
  for (int i = 0; i < 3; ++i)
    take_until(line, ' ');
  cgroup_mount out;
  out.root = unescape(take_until(line, ' '));
  out.point = unescape(take_until(line, ' '));
  // Options, then any number of fields up to a hyphen.
  const auto hyphen = line.find(" - ");
  if (hyphen == std::string_view::npos)
    return std::nullopt;
  line.remove_prefix(hyphen + 3);
  const auto type = take_until(line, ' ');
  take_until(line, ' ');
  out.unified = type == "cgroup2";
  if (!out.unified && type != "cgroup")
    return std::nullopt;
  if (!out.unified)
    out.controllers = split(line);
  return out;
}

/// The folders of a group and of those above it, as far as they are mounted.
std::vector<std::string> folders_of(const cgroup_mount& in, std::string_view group) {
  std::vector<std::string> out;
  // A group outside of the process' own namespace has such a path.
  if (!group.starts_with('/') || group.find("/..") != std::string_view::npos)
    return out;
  if (in.root != "/") {
    if (!group.starts_with(in.root)
        || (group.size() > in.root.size() && group[in.root.size()] != '/'))
      return out;
    group.remove_prefix(in.root.size());
  }
  while (!group.empty() && group != "/") {
    out.push_back(in.point + std::string(group));
    group = group.substr(0, group.rfind('/'));
  }
  out.push_back(in.point);
  return out;
}

} // namespace

std::vector<cgroup_place> find_cgroup_places(std::string_view own_groups,
                                             std::string_view mount_table) {
  std::vector<cgroup_mount> mounts;
  while (!mount_table.empty())
    if (auto found = mount_in(take_until(mount_table, '\n')))
      mounts.push_back(std::move(*found));
  std::vector<cgroup_place> out;
  while (!own_groups.empty()) {
    auto line = take_until(own_groups, '\n');
    take_until(line, ':');
    cgroup_place place;
    place.controllers = split(take_until(line, ':'));
    place.unified = place.controllers.empty();
    const auto is_there = [&place](const cgroup_mount& x) {
      return x.unified == place.unified
             && std::all_of(place.controllers.begin(), place.controllers.end(),
                            [&x](const std::string& each) {
                              return std::find(x.controllers.begin(), x.controllers.end(), each)
                                     != x.controllers.end();
                            });
    };
    if (const auto found = std::find_if(mounts.begin(), mounts.end(), is_there);
        found != mounts.end())
      place.folders = folders_of(*found, line);
    if (!place.folders.empty())
      out.push_back(std::move(place));
  }
  return out;
}

int most_given(const std::vector<unified_folder>& folders) {
  int most = 0;
  for (const unified_folder& each : folders)
    most = std::max(most, std::popcount(each.gives));
  return most;
}

std::vector<unified_folder> best_folders(const std::vector<unified_folder>& folders) {
  const int most = most_given(folders);
  std::vector<unified_folder> out;
  for (const unified_folder& each : folders)
    if (most > 0 && std::popcount(each.gives) == most
        && (out.empty() || out.front().gives == each.gives))
      out.push_back(each);
  return out;
}

} // namespace maze::sandbox
