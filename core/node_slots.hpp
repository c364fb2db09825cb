#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/resources.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace maze::core {

/// Start the attempt in this slot.
struct start_attempt {
  attempt_id attempt;
  slot_id slot;
  /// Which of the node's GPUs it has to itself until it ends: their numbers from 0, ascending.
  std::vector<std::uint32_t> gpus{};

  friend bool operator==(const start_attempt&, const start_attempt&) = default;
};
/// Prepare the attempt and start it in this slot the instant the one that runs there has ended.
struct line_up_attempt {
  attempt_id attempt;
  slot_id slot;
  /// Some of those that the one before it has.
  std::vector<std::uint32_t> gpus{};

  friend bool operator==(const line_up_attempt&, const line_up_attempt&) = default;
};
/// Take the lined-up attempt back: it is `returned`, unless the one before it ended meanwhile.
struct recall_attempt {
  attempt_id attempt;
  slot_id slot;

  friend bool operator==(const recall_attempt&, const recall_attempt&) = default;
};
/// The node cannot ever hold the attempt, or is draining.
struct refuse_attempt {
  attempt_id attempt;

  friend bool operator==(const refuse_attempt&, const refuse_attempt&) = default;
};
/// Let the lane take no more calls, and end once it has done those that it began: somebody else waits for
/// what it holds.
struct yield_lane {
  attempt_id attempt;

  friend bool operator==(const yield_lane&, const yield_lane&) = default;
};
using slot_action =
    std::variant<start_attempt, line_up_attempt, recall_attempt, refuse_attempt, yield_lane>;
using slot_actions = std::vector<slot_action>;

/// What is in use on one node: starts attempts in order of arrival as their resources fit, each in
/// the lowest free slot; holds a bounded number that wait.
///
/// The first one that waits is *lined up* behind a running attempt that holds all it needs, so that
/// nobody has to be asked when that ends. This is a bet that the running one ends soon: who has lost
/// it is recalled, at once when it could start elsewhere, else when `time_passed` says so twice.
/// Hence nothing waits longer than two such intervals while what arrived later starts.
///
/// A *lane* is an attempt that does the calls of its run as long as there are any. Nobody is lined up behind one, and it is
/// not lined up itself. When others wait for two intervals, the lane that has run longest is asked to yield, one at a time; a
/// lane of the same run that waits, or one of a run that has as many here, is no reason.
///
/// Each GPU goes to one attempt at a time. Who is lined up gets its GPUs from the one before it, and
/// only those of them that it does not need are free when that ends.
/// @note Not thread-safe.
class node_slots {
public:
  struct options {
    resources total;
    /// Attempts that may wait here, lined up or not.
    std::uint32_t waiting_max = 64;
    /// Children at once, whatever they need; bounds tasks that ask for nothing.
    std::uint32_t slots_max = 4096;
  };

  explicit node_slots(options settings);

  slot_actions offered(attempt_id attempt, const resources& needs);
  /// The same for a lane of `run`.
  slot_actions lane_offered(attempt_id attempt, const resources& needs, run_id run);
  /// The attempt ended or was stopped: running, lined up or still waiting. Of a running one with
  /// another behind it, that one runs from now on.
  slot_actions ended(attempt_id attempt);
  /// The lined-up attempt has not begun and will not: it waits again, in its old place.
  slot_actions returned(attempt_id attempt);
  /// To be called in even intervals while `watches`.
  slot_actions time_passed();
  void drain() noexcept;

  [[nodiscard]] const resources& free() const noexcept { return free_; }
  [[nodiscard]] std::size_t running() const noexcept { return running_.size(); }
  /// Those that are lined up included.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size() + next_.size(); }
  [[nodiscard]] std::size_t lined_up() const noexcept { return next_.size(); }
  /// Whether time matters: something is lined up, or waits while lanes run.
  [[nodiscard]] bool watches() const noexcept {
    return !next_.empty() || (lanes_ > 0 && !waiting_.empty());
  }
  void check_invariants() const;

private:
  struct held {
    attempt_id attempt;
    resources needs;
    slot_id slot;
    /// Counts the offers.
    std::uint64_t arrival = 0;
    /// How often time passed since it began, or was lined up.
    std::uint32_t intervals = 0;
    /// Of a lined-up one: the running one that it follows.
    attempt_id before;
    bool recalled = false;
    /// Of a running or lined-up one; as many as it needs.
    std::vector<std::uint32_t> gpus{};
    /// Of a lane, whose calls it does.
    std::optional<run_id> lane_of{};
    bool yielding = false;
  };
  using follower = std::map<slot_id, held>::iterator;

  slot_actions take_in(held entry);
  slot_actions settle();
  void start_what_fits(slot_actions& todo);
  void recall_what_could_start(slot_actions& todo);
  /// Whether it found somebody to follow.
  bool line_up_first(slot_actions& todo);
  void begin(held entry);
  void recall(held& entry, slot_actions& todo);
  void ask_to_yield(slot_actions& todo);
  [[nodiscard]] std::size_t lanes_of(run_id run) const;
  /// The lined-up one leaves; another may take its place.
  held leave_line(follower who);
  [[nodiscard]] follower find_lined_up(attempt_id attempt);
  /// What is free and not meant for a recalled attempt, with the slots that are.
  [[nodiscard]] std::pair<resources, std::size_t> spare() const;
  void check_gpus() const;

  options options_;
  resources free_;
  std::set<std::uint32_t> free_gpus_;
  /// In order of arrival.
  std::deque<held> waiting_;
  std::map<attempt_id, held> running_;
  /// Running attempts that may be short and that none is lined up behind.
  std::set<attempt_id> open_;
  /// Who starts next in a slot in use.
  std::map<slot_id, held> next_;
  std::set<std::uint64_t> free_slots_;
  std::uint64_t next_slot_ = 0;
  /// Lanes that run.
  std::size_t lanes_ = 0;
  std::uint64_t arrivals_ = 0;
  bool draining_ = false;
};

} // namespace maze::core
