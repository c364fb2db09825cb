#pragma once

#include "maze/core/call_batch.hpp"

#include <concepts>
#include <cstddef>
#include <deque>
#include <utility>

namespace maze::core {

/// Calls that are ready, in the order in which they go out. One that ends while it waits here is not searched for: it
/// leaves when it comes to the front, or with others once they outnumber those that are ready. The front is always
/// ready. Whether a call is ready, its owner knows: `is_ready` must say so also for calls that are long forgotten.
///
/// @note Not thread-safe.
class call_queue {
public:
  /// @pre a ready call is in it
  [[nodiscard]] call_number front() const noexcept { return calls_.front(); }
  /// @pre the call is ready
  void push(call_number call) { calls_.push_back(call); }
  /// Before all others.
  /// @pre the call is ready
  void push_front(call_number call) { calls_.push_front(call); }
  /// The front goes out.
  /// @pre a ready call is in it
  void pop(std::predicate<call_number> auto is_ready) {
    calls_.pop_front();
    settle_front(is_ready);
  }
  /// A call in it is not ready any more; `ready` others are.
  void one_ended(std::size_t ready, std::predicate<call_number> auto is_ready) {
    settle_front(is_ready);
    if (calls_.size() > 2 * ready + slack)
      drop_ended(is_ready);
  }
  /// All ready calls, in order; none is left.
  [[nodiscard]] std::deque<call_number> take(std::predicate<call_number> auto is_ready) {
    drop_ended(is_ready);
    return std::exchange(calls_, {});
  }
  /// Calls in it, those included that have ended.
  [[nodiscard]] const std::deque<call_number>& all() const noexcept { return calls_; }

private:
  /// Ended calls that are not worth a pass through all of them.
  static constexpr std::size_t slack = 4096;

  void settle_front(const auto& is_ready) {
    while (!calls_.empty() && !is_ready(calls_.front()))
      calls_.pop_front();
  }
  void drop_ended(const auto& is_ready) {
    std::erase_if(calls_, [&](call_number each) { return !is_ready(each); });
  }

  std::deque<call_number> calls_;
};

} // namespace maze::core
