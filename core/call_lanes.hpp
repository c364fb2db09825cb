#pragma once

#include "maze/core/call_batch.hpp"
#include "maze/core/ids.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace maze::core {

/// How many calls may be on their way, and how they are spread.
struct lane_limits {
  /// Calls that a lane holds, between these two.
  std::uint32_t credit_min = 2;
  std::uint32_t credit_max = 1024;
  /// A lane holds as many calls as take about this long.
  std::chrono::nanoseconds credit_work = std::chrono::milliseconds(20);
  /// When fewer calls than this are ready, and all of them take less than `few_work`, one lane is filled before
  /// another is woken.
  std::uint32_t few = 64;
  std::chrono::nanoseconds few_work = std::chrono::milliseconds(1);
};

/// Mean time of a call, with more weight on later ones.
class call_pace {
public:
  /// `calls` calls took `busy` together.
  void note(std::uint32_t calls, std::chrono::nanoseconds busy) noexcept;
  [[nodiscard]] bool known() const noexcept { return known_; }
  [[nodiscard]] std::chrono::nanoseconds mean() const noexcept {
    return std::chrono::nanoseconds(mean_);
  }
  /// clamp(`credit_work` / mean, `credit_min`, `credit_max`); `credit_min` before anything is known.
  [[nodiscard]] std::uint32_t credit(const lane_limits& limits) const noexcept;

private:
  std::int64_t mean_ = 0;
  bool known_ = false;
};

/// Calls on their way through one child, oldest first.
class call_lane {
public:
  explicit call_lane(lane_id name) : id(name) {}

  lane_id id;
  call_pace pace;
  std::uint32_t credit = 0;
  /// Takes no more calls.
  bool closing = false;
  /// Said something impossible: nothing that it says counts any more.
  bool broken = false;
  /// Holds a call that goes alone.
  bool alone = false;

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(held_.size() - head_);
  }
  [[nodiscard]] std::span<const call_number> held() const noexcept {
    return std::span(held_).subspan(head_);
  }
  void add(call_number call) { held_.push_back(call); }
  /// The oldest calls have ended.
  void drop(std::uint32_t count);
  /// Forgets `calls`, wherever they are; false, and nothing changes, if it does not hold all of them.
  bool remove(std::span<const call_number> calls);

private:
  friend class call_lanes;
  enum class kind : std::uint8_t { none, idle, busy };

  std::vector<call_number> held_;
  std::size_t head_ = 0;
  call_lane* before_ = nullptr;
  call_lane* after_ = nullptr;
  kind listed_ = kind::none;
};

/// The lanes of a run: which may take calls, and which of those takes the next. All choices are O(1).
///
/// @note Not thread-safe; lanes stay where they are until `remove`.
class call_lanes {
public:
  explicit call_lanes(const lane_limits& limits) : limits_(limits) {}
  call_lanes(const call_lanes&) = delete;
  call_lanes& operator=(const call_lanes&) = delete;
  /// What was moved from is of no more use.
  call_lanes(call_lanes&&) noexcept = default;
  call_lanes& operator=(call_lanes&&) noexcept = default;

  /// @pre no lane had this number before
  call_lane& open(lane_id name);
  [[nodiscard]] call_lane* find(lane_id name) noexcept;
  void remove(call_lane& lane);
  /// To be called after a lane has changed: what it holds, its credit, its marks.
  void settle(call_lane& lane);
  /// A lane's calls took so long.
  void note_pace(call_lane& lane, std::uint32_t calls, std::chrono::nanoseconds busy);

  /// Lanes that may take a call.
  [[nodiscard]] std::size_t with_room() const noexcept { return idle_.size + busy_.size; }
  /// Of those, lanes that hold nothing.
  [[nodiscard]] std::size_t idle() const noexcept { return idle_.size; }
  [[nodiscard]] std::vector<lane_id> idle_lanes() const;
  [[nodiscard]] std::size_t size() const noexcept { return lanes_.size(); }
  /// The longest idle lane.
  /// @pre `idle() > 0`
  [[nodiscard]] call_lane& first_idle() const noexcept { return *idle_.first; }
  /// Whether `ready` calls are so few and short that one lane should take them all.
  [[nodiscard]] bool are_few(std::size_t ready) const noexcept;
  /// The lane to fill first, so that others can sleep: one that works already.
  /// @pre `with_room() > 0`
  [[nodiscard]] call_lane& to_fill() const noexcept;
  /// The lane whose turn it is: an idle one, else the one that was served longest ago.
  /// @pre `with_room() > 0`
  [[nodiscard]] call_lane& next() const noexcept;

  void visit(const auto& what) {
    for (auto& [name, lane] : lanes_)
      what(lane);
  }
  void visit(const auto& what) const {
    for (const auto& [name, lane] : lanes_)
      what(lane);
  }
  /// Aborts when a lane is in the wrong list.
  void check_invariants() const;

private:
  struct list {
    call_lane* first = nullptr;
    call_lane* last = nullptr;
    std::size_t size = 0;
  };
  static void append(list& to, call_lane& x) noexcept;
  static void take_out(list& from, call_lane& x) noexcept;
  [[nodiscard]] static call_lane::kind place_of(const call_lane& x) noexcept;
  void unlist(call_lane& x) noexcept;

  lane_limits limits_;
  std::unordered_map<lane_id, call_lane> lanes_;
  list idle_;
  list busy_;
  /// Of the whole run: what a new lane begins with.
  call_pace pace_;
};

} // namespace maze::core
