#pragma once

#include "maze/core/file_rules.hpp"
#include "maze/core/graph.hpp"
#include "maze/core/manifest.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace maze::core {

/// The files that the tasks of one run published, and which of them each task may see: those of its
/// ancestors, whatever the order in which things happened.
///
/// Publications are kept in chains, each an ancestor of the next; what a task sees is then one number
/// per chain (a vector clock), so that a line of any length costs one entry a task.
/// @note Not thread-safe.
class file_history {
public:
  /// The first `count` publications of `chain`.
  struct mark {
    std::uint32_t chain = 0;
    std::uint32_t count = 0;

    friend bool operator==(const mark&, const mark&) = default;
  };
  /// A set of publications closed under ancestry, by ascending chain; null for none.
  using horizon = std::shared_ptr<const std::vector<mark>>;
  struct joined {
    horizon seen;
    /// Publications meet here that no single one of the joined horizons held together, so that
    /// they may contradict each other.
    bool mixed = false;
  };

  /// @param snapshot  What lay there before all publications, so that `conflict_policy::rename` hides
  ///                  nothing of it; null for nothing.
  explicit file_history(std::shared_ptr<const graph> tasks,
                        conflict_policy conflicts = conflict_policy::fail,
                        std::shared_ptr<const file_map> snapshot = nullptr);

  /// Adds what `task`, which saw `before`, published; gives back what its successors see of it.
  horizon publish(task_id task, const horizon& before, manifest_delta files);
  /// What a task sees whose dependencies lead to `parts`.
  joined join(const std::vector<horizon>& parts);
  /// The publications of `seen` in causal order, one over the other. Where two of them, neither an
  /// ancestor of the other, contradict each other (different content, a file where the other has a
  /// folder), the policy decides: `fail` fails with `file_conflict` naming the path and both tasks,
  /// `last_wins` goes by the order of publication, `rename` does as `settle_by_name`.
  [[nodiscard]] result<manifest_delta> merge(const horizon& seen) const;
  /// The same for all publications.
  [[nodiscard]] result<manifest_delta> merge_all() const;
  /// Whether publications may contradict each other so that `merge` fails.
  [[nodiscard]] bool may_conflict() const noexcept {
    return conflicts_ != conflict_policy::last_wins;
  }
  [[nodiscard]] std::size_t publications() const noexcept { return published_.size(); }
  /// Calls `visit` for each publication, in the order in which they happened.
  void visit(const std::function<void(task_id, const manifest_delta&)>& visit) const {
    for (const publication& one : published_)
      visit(one.task, one.files);
  }

  struct publication {
    task_id task;
    std::uint32_t chain = 0;
    std::uint32_t index = 0;
    horizon after;
    manifest_delta files;
  };

  /// @pre number < publications()
  [[nodiscard]] const publication& at(std::uint32_t number) const noexcept {
    return published_[number];
  }
  /// Whether the publication `later` is `earlier` or a descendant of it.
  [[nodiscard]] bool follows(std::uint32_t later, std::uint32_t earlier) const noexcept;
  [[nodiscard]] const graph& tasks() const noexcept { return *tasks_; }
  /// Null for nothing.
  [[nodiscard]] const file_map* snapshot() const noexcept { return snapshot_.get(); }

private:
  /// `picked` are positions in `published_`, ascending.
  [[nodiscard]] result<manifest_delta> lay(const std::vector<std::uint32_t>& picked) const;

  std::shared_ptr<const graph> tasks_;
  conflict_policy conflicts_;
  std::shared_ptr<const file_map> snapshot_;
  /// In the order of publication, which puts ancestors first.
  std::vector<publication> published_;
  /// Positions in `published_`.
  std::vector<std::vector<std::uint32_t>> chains_;
  /// Tasks of one layer share their dependencies and become ready one after the other.
  horizon last_joined_;
};

} // namespace maze::core
