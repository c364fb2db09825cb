#include "maze/core/file_overlay.hpp"

#include "maze/core/file_history.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {
namespace {

using change = file_overlay::change;

bool same(const change& a, const change& b) noexcept {
  return a.entry == nullptr || b.entry == nullptr ? a.entry == b.entry : *a.entry == *b.entry;
}

bool agree(const change& a, const change& b, file_overlay::strictness how) noexcept {
  return same(a, b)
         || (how == file_overlay::strictness::content
             && (a.entry == nullptr || b.entry == nullptr || (a.is_folder() && b.is_folder())));
}

} // namespace

bool file_overlay::follows(const change& later, const change& earlier) const noexcept {
  return later_ == order::publication ? later.publication >= earlier.publication
                                      : history_.follows(later.publication, earlier.publication);
}

void file_overlay::put(std::uint32_t publication) {
  const auto& files = history_.at(publication).files;
  for (const auto& path : files.removed)
    put(path, {publication, nullptr});
  for (const auto& [path, entry] : files.written)
    put(path, {publication, &entry});
}

void file_overlay::put(std::string_view path, const change& latest) {
  const auto overridden = [&](const change& earlier) {
    // Removals of one publication stand side by side, in whatever order they are listed.
    return follows(latest, earlier)
           && (latest.entry != nullptr || latest.publication != earlier.publication);
  };
  auto& here = paths_[path];
  std::erase_if(here, overridden);
  here.push_back(latest);
  if (latest.entry != nullptr)
    for_each_folder(path, [&](std::string_view folder) {
      if (const auto found = paths_.find(folder); found != paths_.end())
        std::erase_if(found->second, [&](const change& earlier) {
          return earlier.is_leaf() && overridden(earlier);
        });
    });
  if (latest.is_folder())
    return;
  prefix_.assign(path).push_back('/');
  for (auto below = paths_.lower_bound(prefix_);
       below != paths_.end() && below->first.substr(0, prefix_.size()) == prefix_; ++below)
    std::erase_if(below->second, overridden);
}

result<manifest_delta> file_overlay::flatten(strictness how) {
  manifest_delta out;
  for (auto& [path, changes] : paths_)
    if (!changes.empty())
      if (auto done = flatten(path, changes, how, out); !done)
        return fail(std::move(done.error()));
  return out;
}

result<void> file_overlay::flatten(std::string_view path, std::vector<change>& changes,
                                   strictness how, manifest_delta& out) const {
  // Not in the order of publication, so that the pair which is named does not depend on timing.
  std::sort(changes.begin(), changes.end(), [this](const change& a, const change& b) {
    return history_.at(a.publication).task < history_.at(b.publication).task;
  });
  const change* kept = nullptr;
  bool removed = false;
  for (const auto& one : changes) {
    removed |= one.entry == nullptr;
    if (kept == nullptr && one.entry != nullptr)
      kept = &one;
    const auto& first = how == strictness::equal || kept == nullptr ? changes.front() : *kept;
    if (!agree(first, one, how))
      return conflict(path, first, one);
  }
  if (auto clear = check_folders(path, changes, how); !clear)
    return clear;
  // A folder that is written does not bring back what was removed from it.
  if (removed && (kept == nullptr || kept->is_folder()))
    out.removed.emplace_back(path);
  if (kept != nullptr)
    out.written.emplace_hint(out.written.end(), path, *kept->entry);
  return {};
}

/// What lies at `path` may not lie below what another task made a file, or removed meanwhile.
result<void> file_overlay::check_folders(std::string_view path, const std::vector<change>& changes,
                                         strictness how) const {
  result<void> out;
  for_each_folder(path, [&](std::string_view folder) {
    const auto found = paths_.find(folder);
    if (!out || found == paths_.end())
      return;
    for (const auto& above : found->second)
      for (const auto& below : changes)
        if (out && !above.is_folder() && below.entry != nullptr && !follows(below, above)
            && (how == strictness::equal || above.entry != nullptr))
          out = conflict(folder, above, below);
  });
  return out;
}

tl::unexpected<error> file_overlay::conflict(std::string_view path, const change& a,
                                             const change& b) const {
  auto first = history_.at(a.publication).task;
  auto second = history_.at(b.publication).task;
  if (second < first)
    std::swap(first, second);
  return fail(
      errc::file_conflict,
      fmt::format("tasks \"{}\" and \"{}\" both changed \"{}\", each in its own way; let one "
                  "run after the other or write to different paths",
                  history_.tasks().spec(first).name, history_.tasks().spec(second).name, path));
}

} // namespace maze::core
