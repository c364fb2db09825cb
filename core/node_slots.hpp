#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/resources.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace maze::core {

/// Start the attempt in this slot.
struct start_attempt {
  attempt_id attempt;
  slot_id slot;

  friend bool operator==(const start_attempt&, const start_attempt&) = default;
};
/// The node cannot ever hold the attempt, or is draining.
struct refuse_attempt {
  attempt_id attempt;

  friend bool operator==(const refuse_attempt&, const refuse_attempt&) = default;
};
using slot_action = std::variant<start_attempt, refuse_attempt>;
using slot_actions = std::vector<slot_action>;

/// What is in use on one node: starts attempts in order of arrival as their resources fit, each in
/// the lowest free slot; holds a bounded number that wait.
/// @note Not thread-safe.
class node_slots {
public:
  struct options {
    resources total;
    /// Attempts that may wait here.
    std::uint32_t waiting_max = 64;
    /// Children at once, whatever they need; bounds tasks that ask for nothing.
    std::uint32_t slots_max = 4096;
  };

  explicit node_slots(options settings);

  slot_actions offered(attempt_id attempt, const resources& needs);
  /// The attempt ended or was stopped, running or still waiting.
  slot_actions ended(attempt_id attempt);
  void drain() noexcept;

  [[nodiscard]] const resources& free() const noexcept { return free_; }
  [[nodiscard]] std::size_t running() const noexcept { return running_.size(); }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  void check_invariants() const;

private:
  struct held {
    attempt_id attempt;
    resources needs;
    slot_id slot;
  };

  slot_actions start_what_fits();

  options options_;
  resources free_;
  std::deque<held> waiting_;
  std::map<attempt_id, held> running_;
  std::set<std::uint64_t> free_slots_;
  std::uint64_t next_slot_ = 0;
  bool draining_ = false;
};

} // namespace maze::core
