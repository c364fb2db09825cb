#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maze::core {

/// What happens where tasks that do not depend on each other publish different things under one path.
enum class conflict_policy : std::uint8_t {
  /// The first task that would see both fails, and so does the collection at the end.
  fail = 1,
  /// What was published last counts.
  last_wins = 2,
  /// All of it is seen, under names of their own: see `settle_by_name`.
  rename = 3,
};
/// Whether the number names a policy.
constexpr bool is_known(conflict_policy x) noexcept {
  return x >= conflict_policy::fail && x <= conflict_policy::rename;
}

/// What a workflow says about the files of all its tasks.
struct file_rules {
  conflict_policy conflicts = conflict_policy::fail;
  /// Patterns as in a .gitignore file, behind the built-in ones: what they leave out is not published.
  std::vector<std::string> ignore;
  /// Patterns of the same kind: what they fit is published nevertheless.
  std::vector<std::string> include;
  /// Whether each file carries its SHA-256, which is compared wherever its content is used.
  bool sha256 = false;

  friend bool operator==(const file_rules&, const file_rules&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, file_rules& x) {
    return f(x.conflicts, x.ignore, x.include, x.sha256);
  }
};

} // namespace maze::core
