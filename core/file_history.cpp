#include "maze/core/file_history.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {
namespace {

using marks = std::vector<file_history::mark>;

bool by_chain(const file_history::mark& a, const file_history::mark& b) noexcept {
  return a.chain < b.chain;
}

/// Per chain the larger count.
marks united(const marks& a, const marks& b) {
  marks out;
  out.reserve(a.size() + b.size());
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() && right != b.end()) {
    if (left->chain == right->chain) {
      out.push_back({left->chain, std::max(left->count, right->count)});
      ++left;
      ++right;
    } else {
      out.push_back(left->chain < right->chain ? *left++ : *right++);
    }
  }
  out.insert(out.end(), left, a.end());
  out.insert(out.end(), right, b.end());
  return out;
}

/// Calls `visit` for `a`, then `a/b`, for the path `a/b/c`.
void for_each_folder(std::string_view path, const auto& visit) {
  for (auto slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1))
    visit(path.substr(0, slash));
}

} // namespace

/// The latest changes of each path: of a set of publications, those that no later one overrides.
class file_history::overlay {
public:
  explicit overlay(const file_history& history) : history_(history) {}

  void add(std::uint32_t number) {
    const auto& files = history_.published_[number].files;
    for (const auto& path : files.removed)
      put(path, {number, nullptr});
    for (const auto& [path, entry] : files.written)
      put(path, {number, &entry});
  }

  [[nodiscard]] result<manifest_delta> flatten() {
    manifest_delta out;
    for (auto& [path, changes] : paths_) {
      if (changes.empty())
        continue;
      // Not in the order of publication, so that the pair which is named does not depend on timing.
      std::sort(changes.begin(), changes.end(),
                [this](const change& a, const change& b) { return task_of(a) < task_of(b); });
      for (const auto& other : changes)
        if (!same(changes.front(), other))
          return conflict(path, changes.front(), other);
      if (auto clear = check_folders(path, changes); !clear)
        return fail(std::move(clear.error()));
      if (changes.front().entry == nullptr)
        out.removed.emplace_back(path);
      else
        out.written.emplace_hint(out.written.end(), path, *changes.front().entry);
    }
    return out;
  }

private:
  struct change {
    std::uint32_t publication = 0;
    /// Null: removed.
    const file_entry* entry = nullptr;

    [[nodiscard]] bool is_folder() const noexcept {
      return entry != nullptr && entry->kind == file_kind::directory;
    }
  };

  static bool same(const change& a, const change& b) noexcept {
    return a.entry == nullptr || b.entry == nullptr ? a.entry == b.entry : *a.entry == *b.entry;
  }

  void put(std::string_view path, const change& latest) {
    const auto overridden = [&](const change& earlier) {
      // Removals of one publication stand side by side, in whatever order they are listed.
      return history_.follows(latest.publication, earlier.publication)
             && (latest.entry != nullptr || latest.publication != earlier.publication);
    };
    auto& here = paths_[path];
    std::erase_if(here, overridden);
    here.push_back(latest);
    if (latest.entry != nullptr)
      for_each_folder(path, [&](std::string_view folder) {
        if (const auto found = paths_.find(folder); found != paths_.end())
          std::erase_if(found->second, [&](const change& earlier) {
            return earlier.entry != nullptr && !earlier.is_folder() && overridden(earlier);
          });
      });
    if (latest.is_folder())
      return;
    prefix_.assign(path).push_back('/');
    for (auto below = paths_.lower_bound(prefix_);
         below != paths_.end() && below->first.substr(0, prefix_.size()) == prefix_; ++below)
      std::erase_if(below->second, overridden);
  }

  /// What lies at `path` may not lie below what another task made a file, or removed meanwhile.
  [[nodiscard]] result<void> check_folders(std::string_view path,
                                           const std::vector<change>& changes) const {
    result<void> out;
    for_each_folder(path, [&](std::string_view folder) {
      const auto found = paths_.find(folder);
      if (!out || found == paths_.end())
        return;
      for (const auto& above : found->second)
        for (const auto& below : changes)
          if (out && !above.is_folder() && below.entry != nullptr
              && !history_.follows(below.publication, above.publication))
            out = conflict(folder, above, below);
    });
    return out;
  }

  [[nodiscard]] task_id task_of(const change& x) const noexcept {
    return history_.published_[x.publication].task;
  }

  [[nodiscard]] tl::unexpected<error> conflict(std::string_view path, const change& a,
                                               const change& b) const {
    auto first = task_of(a);
    auto second = task_of(b);
    if (second < first)
      std::swap(first, second);
    return fail(
        errc::file_conflict,
        fmt::format("tasks \"{}\" and \"{}\" both changed \"{}\", each in its own way; let one "
                    "run after the other or write to different paths",
                    history_.tasks_->spec(first).name, history_.tasks_->spec(second).name, path));
  }

  const file_history& history_;
  std::map<std::string_view, std::vector<change>> paths_;
  std::string prefix_;
};

file_history::file_history(std::shared_ptr<const graph> tasks) : tasks_(std::move(tasks)) {}

file_history::horizon file_history::publish(task_id task, const horizon& before,
                                            manifest_delta files) {
  auto after = before ? *before : marks{};
  auto chain = static_cast<std::uint32_t>(chains_.size());
  for (const auto& seen : after)
    if (seen.count == chains_[seen.chain].size()) {
      chain = seen.chain;
      break;
    }
  if (chain == chains_.size())
    chains_.emplace_back();
  const auto index = static_cast<std::uint32_t>(chains_[chain].size());
  chains_[chain].push_back(static_cast<std::uint32_t>(published_.size()));
  after = united(after, {{chain, index + 1}});
  auto shared = std::make_shared<const marks>(std::move(after));
  published_.push_back({task, chain, index, shared, std::move(files)});
  return shared;
}

file_history::joined file_history::join(const std::vector<horizon>& parts) {
  const horizon* widest = nullptr;
  marks all;
  for (const auto& part : parts) {
    if (!part || (widest != nullptr && part == *widest))
      continue;
    all = united(all, *part);
    if (widest == nullptr || all == *part)
      widest = &part;
  }
  if (widest == nullptr)
    return {};
  if (all == **widest)
    return {*widest, false};
  if (!last_joined_ || *last_joined_ != all)
    last_joined_ = std::make_shared<const marks>(std::move(all));
  return {last_joined_, true};
}

result<manifest_delta> file_history::merge(const horizon& seen) const {
  std::vector<std::uint32_t> picked;
  if (seen)
    for (const auto& part : *seen)
      picked.insert(picked.end(), chains_[part.chain].begin(),
                    chains_[part.chain].begin() + part.count);
  std::sort(picked.begin(), picked.end());
  return lay(picked);
}

result<manifest_delta> file_history::merge_all() const {
  std::vector<std::uint32_t> picked(published_.size());
  for (std::uint32_t i = 0; i < picked.size(); ++i)
    picked[i] = i;
  return lay(picked);
}

bool file_history::follows(std::uint32_t later, std::uint32_t earlier) const noexcept {
  const auto& wanted = published_[earlier];
  const auto& seen = *published_[later].after;
  const auto found = std::lower_bound(seen.begin(), seen.end(), mark{wanted.chain, 0}, by_chain);
  return found != seen.end() && found->chain == wanted.chain && found->count > wanted.index;
}

result<manifest_delta> file_history::lay(const std::vector<std::uint32_t>& picked) const {
  overlay layers(*this);
  for (const auto number : picked)
    layers.add(number);
  return layers.flatten();
}

} // namespace maze::core
