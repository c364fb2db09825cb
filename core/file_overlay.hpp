#pragma once

#include "maze/core/manifest.hpp"
#include "maze/core/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

class file_history;

/// Lays publications of a `file_history` over each other: of each path the latest changes remain,
/// those that no later one overrides. The result does not depend on the order in which strangers,
/// neither of them an ancestor of the other, are laid.
/// @note Internal to `file_history`. Not thread-safe; must not outlive the history.
class file_overlay {
public:
  struct change {
    /// Position in the history.
    std::uint32_t publication = 0;
    /// Null: removed.
    const file_entry* entry = nullptr;

    [[nodiscard]] bool is_folder() const noexcept {
      return entry != nullptr && entry->kind == file_kind::directory;
    }
    [[nodiscard]] bool is_leaf() const noexcept { return entry != nullptr && !is_folder(); }
  };
  /// What "later" means.
  enum class order : std::uint8_t { ancestry, publication };
  /// What strangers may say of one path.
  enum class strictness : std::uint8_t {
    /// Nothing but the same.
    equal,
    /// Also: that it is removed, while others write there; that it is a folder, with another mode.
    content,
  };

  explicit file_overlay(const file_history& history, order later = order::ancestry)
      : history_(history), later_(later) {}

  /// Lays a whole publication over what lies here.
  /// @pre Of two publications an ancestor comes first.
  void put(std::uint32_t publication);
  /// Lays one change. `path` must live as long as this.
  void put(std::string_view path, const change& latest);

  /// What remains. Fails with `file_conflict` naming the path and both tasks where two changes
  /// contradict each other. Of folders that differ in mode the first task's counts; what is written
  /// below a removed folder stays.
  [[nodiscard]] result<manifest_delta> flatten(strictness how = strictness::equal);
  /// The changes that remain, by path; some paths have none.
  [[nodiscard]] const std::map<std::string_view, std::vector<change>>& paths() const noexcept {
    return paths_;
  }

private:
  [[nodiscard]] bool follows(const change& later, const change& earlier) const noexcept;
  [[nodiscard]] result<void> flatten(std::string_view path, std::vector<change>& changes,
                                     strictness how, manifest_delta& out) const;
  [[nodiscard]] result<void>
  check_folders(std::string_view path, const std::vector<change>& changes, strictness how) const;
  [[nodiscard]] tl::unexpected<error> conflict(std::string_view path, const change& a,
                                               const change& b) const;

  const file_history& history_;
  order later_;
  std::map<std::string_view, std::vector<change>> paths_;
  std::string prefix_;
};

} // namespace maze::core
