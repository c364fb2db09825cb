#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/units.hpp"

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

namespace maze::core {

/// Decides which blobs of a cluster may go: those of runs that were forgotten, once nobody who still
/// needs blobs named them.
///
/// In each round everybody is asked which of the suspects he needs. While the answers come in, new runs
/// and publications may begin to need a blob; whoever brings one has claimed it in the store shortly
/// before, so the store itself spares what was touched in the last `claim`. That covers a round only
/// while it is much shorter, hence one that takes more than half of that decides nothing. Nodes hear of a blob that went in two
/// rounds, because what they spared the first time for the same reason they will not a second time.
/// @note Not thread-safe; knows no clock.
class reclaim_plan {
public:
  struct options {
    /// For how long the store spares a blob that was touched.
    duration claim = std::chrono::minutes(1);
    /// Of those that went, how many are remembered at most.
    std::size_t past_max = std::size_t{1} << 20;
  };

  explicit reclaim_plan(options settings) : options_(settings) {}

  /// These may not be needed any more.
  void suspect(const std::vector<digest>& blobs);
  /// Nor may what went before: a node that used it both times when it heard of it still has it.
  void suspect_past();
  /// Begins a round.
  /// @returns whom everybody is to be asked about; null where there is nobody.
  std::shared_ptr<const digest_set> begin(instant now);
  /// Somebody needs these.
  void needed(const std::vector<digest>& blobs);
  /// Everybody has answered.
  /// @returns what may go, from the store and from every node; nothing where it took too long.
  [[nodiscard]] std::vector<digest> decide(instant now) const;
  /// Ends the round: of what was decided, the store spared `claimed`.
  void end(const std::vector<digest>& decided, const std::vector<digest>& claimed);

  /// Whether there is reason for another round, `options::claim` after the last.
  [[nodiscard]] bool idle() const noexcept { return suspects_.empty(); }
  [[nodiscard]] std::size_t suspects() const noexcept { return suspects_.size(); }

private:
  options options_;
  /// Whether it went in an earlier round.
  std::unordered_map<digest, bool> suspects_;
  /// Went from the store in two rounds, the latest of them.
  digest_set past_;
  /// Of the present round, those nobody has named.
  digest_set asked_;
  instant began_{};
};

} // namespace maze::core
