#include "maze/core/file_renames.hpp"

#include "maze/core/file_history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <tuple>

namespace maze::core {
namespace {

using change = file_overlay::change;

/// One of the different things at a path.
struct version {
  /// Null: a folder.
  const file_entry* entry = nullptr;
  /// Who put it there.
  std::vector<std::uint32_t> publications;
};

/// Something that is seen under a new name.
struct move {
  std::string_view origin;
  const version* moved = nullptr;
  const version* keeper = nullptr;
};

/// A change and where it is seen.
struct placed_change {
  std::string_view origin;
  std::string_view path;
  change what;
};

/// Calls `visit` for each pair of prefixes of equal depth, whole paths included, until it fails.
/// @pre Both paths have the same number of parts.
result<void> for_each_prefix(std::string_view path, std::string_view origin, const auto& visit) {
  for (std::size_t at = 0, in_origin = 0;; ++at, ++in_origin) {
    at = std::min(path.find('/', at), path.size());
    in_origin = std::min(origin.find('/', in_origin), origin.size());
    if (result<void> done = visit(path.substr(0, at), origin.substr(0, in_origin)); !done)
      return done;
    if (at == path.size())
      return {};
  }
}

class settlement {
public:
  settlement(const file_history& history, const file_overlay& latest)
      : history_(history), latest_(latest) {}

  result<manifest_delta> run() {
    find_contests();
    if (auto done = place_all(); !done)
      return fail(std::move(done.error()));
    if (auto done = check_snapshot(); !done)
      return fail(std::move(done.error()));
    if (auto done = check_names(); !done)
      return fail(std::move(done.error()));
    return lay();
  }

private:
  void find_contests();
  void note(std::string_view path, const change& x, const file_entry* entry);
  result<void> place_all();
  result<void> place(std::string_view origin, const change& x);
  result<void> note_move(const std::string& path, const move& x);
  [[nodiscard]] result<void> check_snapshot() const;
  [[nodiscard]] bool is_removed(std::string_view path) const;
  result<void> check_names();
  result<manifest_delta> lay();

  [[nodiscard]] task_id task_of(std::uint32_t publication) const noexcept {
    return history_.at(publication).task;
  }
  [[nodiscard]] const std::string& name_of(task_id task) const {
    return history_.tasks().spec(task).name;
  }
  /// The publication of the task that stands first.
  [[nodiscard]] std::uint32_t first_of(const version& x) const noexcept {
    return x.publications.front();
  }
  [[nodiscard]] bool saw(std::uint32_t publication, const move& x) const noexcept;
  [[nodiscard]] tl::unexpected<error> unusable(const move& x, std::string_view path,
                                               std::string_view why) const;

  const file_history& history_;
  const file_overlay& latest_;
  /// By path: all things there, the keeper first.
  std::map<std::string_view, std::vector<version>> contests_;
  /// By new path.
  std::map<std::string, move, std::less<>> moves_;
  std::vector<placed_change> placed_;
  /// Removals of what was there before something else got the name.
  std::vector<std::string_view> removed_before_;
  std::deque<std::string> new_paths_;
};

void settlement::note(std::string_view path, const change& x, const file_entry* entry) {
  const auto contest = contests_.find(path);
  if (contest == contests_.end())
    return;
  auto& versions = contest->second;
  const auto same = [entry](const version& known) {
    return entry == nullptr || known.entry == nullptr ? entry == known.entry
                                                      : *entry == *known.entry;
  };
  auto found = std::find_if(versions.begin(), versions.end(), same);
  if (found == versions.end())
    found = versions.insert(found, version{entry, {}});
  found->publications.push_back(x.publication);
}

void settlement::find_contests() {
  // Without a file or symlink there is nothing but folders, which go together.
  for (const auto& [path, changes] : latest_.paths())
    if (std::any_of(changes.begin(), changes.end(), [](const change& x) { return x.is_leaf(); }))
      contests_[path];
  for (const auto& [path, changes] : latest_.paths())
    for (const auto& x : changes) {
      if (x.entry == nullptr)
        continue;
      note(path, x, x.is_folder() ? nullptr : x.entry);
      for_each_folder(path, [&](std::string_view folder) { note(folder, x, nullptr); });
    }
  std::erase_if(contests_, [](const auto& contest) { return contest.second.size() == 1; });
  for (auto& [path, versions] : contests_) {
    for (auto& one : versions) {
      auto& from = one.publications;
      std::sort(from.begin(), from.end(), [this](std::uint32_t a, std::uint32_t b) {
        return std::pair(task_of(a), a) < std::pair(task_of(b), b);
      });
      from.erase(std::unique(from.begin(), from.end()), from.end());
    }
    std::sort(versions.begin(), versions.end(), [this](const version& a, const version& b) {
      return task_of(first_of(a)) < task_of(first_of(b));
    });
  }
}

result<void> settlement::place_all() {
  for (const auto& [path, changes] : latest_.paths()) {
    auto sorted = changes;
    std::sort(sorted.begin(), sorted.end(), [this](const change& a, const change& b) {
      return task_of(a.publication) < task_of(b.publication);
    });
    for (const auto& x : sorted)
      if (auto done = place(path, x); !done)
        return done;
  }
  return {};
}

result<void> settlement::place(std::string_view origin, const change& x) {
  if (x.entry == nullptr) {
    placed_.push_back({origin, origin, x});
    return {};
  }
  std::string path;
  std::optional<move> moved;
  auto done = for_each_prefix(origin, origin, [&](std::string_view here, std::string_view) {
    const auto name = here.substr(here.rfind('/') + 1);
    path += path.empty() ? "" : "/";
    const auto contest = contests_.find(here);
    const file_entry* entry = here.size() < origin.size() || x.is_folder() ? nullptr : x.entry;
    const version* mine = nullptr;
    if (contest != contests_.end())
      for (const auto& one : contest->second)
        if (entry == nullptr || one.entry == nullptr ? entry == one.entry : *entry == *one.entry)
          mine = &one;
    if (mine == nullptr || mine == &contest->second.front()) {
      path += name;
      return result<void>();
    }
    moved = move{here, mine, &contest->second.front()};
    path += name_for_task(name, name_of(task_of(first_of(*mine))), entry == nullptr);
    return note_move(path, *moved);
  });
  if (!done)
    return done;
  if (moved && !check_path(path))
    return unusable(*moved, path, "is too long");
  placed_.push_back({origin, moved ? new_paths_.emplace_back(std::move(path)) : origin, x});
  return {};
}

result<void> settlement::note_move(const std::string& path, const move& x) {
  const auto [known, fresh] = moves_.try_emplace(path, x);
  if (!fresh && known->second.origin != x.origin) {
    const auto* a = known->second.moved->entry;
    const auto* b = x.moved->entry;
    if (a == nullptr || b == nullptr || *a != *b)
      return unusable(known->second, path,
                      fmt::format("is taken by \"{}\" of task \"{}\"", x.origin,
                                  name_of(task_of(first_of(*x.moved)))));
  }
  return {};
}

/// Who saw something under its new name has seen it, and something that stands before it.
bool settlement::saw(std::uint32_t publication, const move& x) const noexcept {
  const auto first = first_of(*x.moved);
  return history_.follows(publication, first)
         && std::any_of(
             x.keeper->publications.begin(), x.keeper->publications.end(), [&](std::uint32_t kept) {
               return task_of(kept) < task_of(first) && history_.follows(publication, kept);
             });
}

tl::unexpected<error> settlement::unusable(const move& x, std::string_view path,
                                           std::string_view why) const {
  return fail(errc::file_conflict,
              fmt::format("tasks \"{}\" and \"{}\" both changed \"{}\", each in its own way, and "
                          "the new name \"{}\" {}; write to different paths",
                          name_of(task_of(first_of(*x.keeper))),
                          name_of(task_of(first_of(*x.moved))), x.origin, path, why));
}

bool settlement::is_removed(std::string_view path) const {
  const auto says = [this](std::string_view at) {
    const auto found = latest_.paths().find(at);
    return found != latest_.paths().end()
           && std::any_of(found->second.begin(), found->second.end(),
                          [](const change& x) { return x.entry == nullptr; });
  };
  bool out = says(path);
  for_each_folder(path, [&](std::string_view folder) { out = out || says(folder); });
  return out;
}

result<void> settlement::check_snapshot() const {
  const auto* snapshot = history_.snapshot();
  if (snapshot == nullptr)
    return {};
  for (const auto& [path, x] : moves_) {
    const auto there = snapshot->lower_bound(path);
    const auto below = snapshot->lower_bound(path + '/');
    const bool itself = there != snapshot->end() && there->first == path;
    const bool equal = itself && x.moved->entry != nullptr && there->second == *x.moved->entry;
    if ((itself || (below != snapshot->end() && lies_below(below->first, path))) && !equal
        && !is_removed(path))
      return unusable(x, path, "is taken by the snapshot");
  }
  return {};
}

/// Finds those who use a new name for something else.
result<void> settlement::check_names() {
  std::vector<placed_change> kept;
  for (const auto& x : placed_) {
    bool before = false;
    auto done = for_each_prefix(
        x.path, x.origin, [&](std::string_view here, std::string_view origin) -> result<void> {
          const auto found = moves_.find(here);
          if (found == moves_.end() || found->second.origin == origin
              || saw(x.what.publication, found->second))
            return {};
          const auto* entry = found->second.moved->entry;
          if (x.what.entry == nullptr)
            before = true;
          else if (here.size() < x.path.size() || entry == nullptr || *entry != *x.what.entry)
            return unusable(
                found->second, here,
                fmt::format("is taken by task \"{}\"", name_of(task_of(x.what.publication))));
          return {};
        });
    if (!done)
      return done;
    if (before)
      removed_before_.push_back(x.path);
    else
      kept.push_back(x);
  }
  placed_ = std::move(kept);
  return {};
}

result<manifest_delta> settlement::lay() {
  const auto rank = [](const placed_change& x) {
    return std::tuple(x.what.publication, x.what.entry != nullptr, x.path);
  };
  std::sort(placed_.begin(), placed_.end(),
            [&](const placed_change& a, const placed_change& b) { return rank(a) < rank(b); });
  file_overlay settled(history_);
  for (const auto& x : placed_)
    settled.put(x.path, x.what);
  auto out = settled.flatten(file_overlay::strictness::content);
  if (out && !removed_before_.empty()) {
    auto& removed = out->removed;
    removed.insert(removed.end(), removed_before_.begin(), removed_before_.end());
    std::sort(removed.begin(), removed.end());
    removed.erase(std::unique(removed.begin(), removed.end()), removed.end());
  }
  return out;
}

} // namespace

std::string name_for_task(std::string_view name, std::string_view task, bool folder) {
  const auto dot = folder ? std::string_view::npos : name.rfind('.');
  if (dot == std::string_view::npos || dot == 0)
    return fmt::format("{}.{}", name, task);
  return fmt::format("{}.{}{}", name.substr(0, dot), task, name.substr(dot));
}

result<manifest_delta> settle_by_name(const file_history& history, const file_overlay& latest) {
  return settlement(history, latest).run();
}

} // namespace maze::core
