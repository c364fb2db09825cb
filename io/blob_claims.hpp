#pragma once

#include "maze/core/digest.hpp"

#include <chrono>
#include <mutex>
#include <utility>

namespace maze::io {

/// Which blobs somebody brought or asked for a moment ago. Whoever did so is about to say what for; until
/// then a sweep must leave them alone.
/// @note Thread-safe. Each claim costs a hash table entry for up to twice its life.
class blob_claims {
public:
  using clock = std::chrono::steady_clock;

  /// @param life  how long a claim holds at least; it ends before twice that. 0: none is kept.
  explicit blob_claims(std::chrono::nanoseconds life) : life_(life) {}

  void claim(const core::digest& hash) {
    if (life_ == life_.zero())
      return;
    const std::lock_guard lock(guard_);
    turn(clock::now());
    young_.insert(hash);
  }
  /// A claim that holds for good, whatever `life` is.
  void keep(const core::digest& hash) {
    const std::lock_guard lock(guard_);
    kept_.insert(hash);
  }
  /// Calls `deed` unless the blob is claimed. Nobody gets a claim meanwhile, so `deed` must be short.
  /// @returns whether it was called.
  template <class Deed>
  bool unless_claimed(const core::digest& hash, Deed deed) {
    const std::lock_guard lock(guard_);
    turn(clock::now());
    if (young_.count(hash) > 0 || old_.count(hash) > 0 || kept_.count(hash) > 0)
      return false;
    deed();
    return true;
  }

private:
  void turn(clock::time_point now) {
    if (now - turned_ < life_)
      return;
    old_ = now - turned_ < 2 * life_ ? std::exchange(young_, {}) : core::digest_set();
    young_.clear();
    turned_ = now;
  }

  std::chrono::nanoseconds life_;
  std::mutex guard_;
  /// Claimed since `turned_`, and in the turn before that.
  core::digest_set young_;
  core::digest_set old_;
  core::digest_set kept_;
  clock::time_point turned_ = clock::now();
};

} // namespace maze::io
