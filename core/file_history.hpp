#pragma once

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

  explicit file_history(std::shared_ptr<const graph> tasks);

  /// Adds what `task`, which saw `before`, published; gives back what its successors see of it.
  horizon publish(task_id task, const horizon& before, manifest_delta files);
  /// What a task sees whose dependencies lead to `parts`.
  joined join(const std::vector<horizon>& parts);
  /// The publications of `seen` in causal order, one over the other. Fails with `file_conflict`
  /// naming the path and both tasks if two of them, neither an ancestor of the other, contradict
  /// each other: different content, or a file where the other has a folder.
  [[nodiscard]] result<manifest_delta> merge(const horizon& seen) const;
  /// The same for all publications.
  [[nodiscard]] result<manifest_delta> merge_all() const;
  [[nodiscard]] std::size_t publications() const noexcept { return published_.size(); }
  /// Calls `visit` for each publication, in the order in which they happened.
  void visit(const std::function<void(task_id, const manifest_delta&)>& visit) const {
    for (const publication& one : published_)
      visit(one.task, one.files);
  }

private:
  struct publication {
    task_id task;
    std::uint32_t chain = 0;
    std::uint32_t index = 0;
    horizon after;
    manifest_delta files;
  };
  class overlay;

  /// Whether `later` is `earlier` or a descendant of it.
  [[nodiscard]] bool follows(std::uint32_t later, std::uint32_t earlier) const noexcept;
  /// `picked` are positions in `published_`, ascending.
  [[nodiscard]] result<manifest_delta> lay(const std::vector<std::uint32_t>& picked) const;

  std::shared_ptr<const graph> tasks_;
  /// In the order of publication, which puts ancestors first.
  std::vector<publication> published_;
  /// Positions in `published_`.
  std::vector<std::vector<std::uint32_t>> chains_;
  /// Tasks of one layer share their dependencies and become ready one after the other.
  horizon last_joined_;
};

} // namespace maze::core
