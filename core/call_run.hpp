#pragma once

#include "maze/core/call_books.hpp"
#include "maze/core/call_frames.hpp"
#include "maze/core/call_lanes.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace maze::core {

/// A message for a lane.
struct lane_message {
  lane_id lane;
  std::string bytes;

  friend bool operator==(const lane_message&, const lane_message&) = default;
};

/// A call at the lane that holds it.
struct lane_call {
  lane_id lane;
  call_number call = 0;

  friend auto operator<=>(const lane_call&, const lane_call&) = default;
};

/// What follows from an event. First send, then drop and stop, then hand out results.
struct call_step {
  /// `calls` messages.
  std::vector<lane_message> send;
  /// Lanes that should give up what they hold: nobody wants it any more. What they answer nevertheless counts.
  std::vector<lane_id> drop;
  /// Calls that nobody wants any more, at lanes that hold them. What they answer nevertheless counts.
  std::vector<lane_call> stop;
  /// `replies` messages for the client, and for the journal: each call is in them once, with its end.
  std::vector<std::string> results;
  /// Ask for one more lane, or withdraw that; nothing where it stays as it is.
  std::optional<bool> want_lane;
  /// The run is over: every call has ended and no more will come.
  bool over = false;
};

/// The calls of a frame that was taken: `first` to `first + count - 1`.
struct calls_accepted {
  call_number first = 0;
  std::uint32_t count = 0;
  call_step step;
};

/// Decides about the calls of one run: which are ready, which lane gets which, what is tried again, what the client is
/// told. A lane is a slot of a node with one warm child; lanes are placed by the scheduler, calls by this. Knows no
/// clock, socket or thread.
///
/// What one call costs on the way is part of what it promises: nothing is allocated for a single call, and messages of
/// lanes go on to the client as they came where nothing in them is to be changed.
///
/// @note Not thread-safe; one owner.
class call_run {
public:
  struct options {
    /// Attempts after the first that failed, of each call.
    std::uint8_t retries = 0;
    /// Losses in a row, of a node or for an unknown reason, that do not count.
    std::uint8_t free_retries = 3;
    /// Calls that have not ended, at most.
    std::uint64_t pending_max = std::uint64_t{4} << 20;
    /// Bytes of a frame, at most.
    std::uint32_t frame_max = call_batch_max;
    /// Calls in one message to a lane, at most; and bytes after which it takes no further call.
    std::uint32_t message_calls_max = 256;
    std::size_t message_bytes_max = std::size_t{1} << 20;
    /// Bytes of results that the client has not read, beyond which no more calls are sent.
    std::uint64_t results_window = std::uint64_t{16} << 20;
    /// Bytes of the arguments of one call, results in them included; one with more ends as `limit_exceeded`.
    std::uint64_t arguments_max = value_limits{}.size_max;
    /// Bytes of frames and results that are kept, beyond which no frame is taken.
    std::uint64_t kept_bytes_max = std::uint64_t{4} << 30;
    lane_limits lanes;
  };

  explicit call_run(const options& settings);

  /// The client hands in calls. Nothing is taken of a frame that is refused: `malformed`; `limit_exceeded` where too
  /// many calls have not ended; `already_exists` for a frame that came before and `invalid_argument` for one that came
  /// too early; `stale` for a dependency whose result the client has read, since it has the value; `cancelled`, and
  /// `invalid_argument` after `close`.
  result<calls_accepted> submitted(std::string frame);
  /// No more calls will come.
  call_step close();
  /// What is not out ends as cancelled, with `reason`; what is out, when its lane lets go of it.
  call_step cancel(error reason);
  /// These calls are not wanted any more: those that are not out end as cancelled, and with them what depends on them.
  /// Those that are out end with their result, if it comes first, or when their lane lets go of them. Numbers of calls
  /// that have ended, or never were, are passed over.
  call_step cancel_calls(std::span<const call_number> calls);
  /// The client has read so many more bytes of results. `invalid_argument` if it was given fewer.
  result<call_step> results_read(std::uint64_t count);

  /// Answers the request for a lane, if there is one.
  /// @pre the number is new
  call_step lane_opened(lane_id lane);
  /// The lane takes no more calls; what it holds comes back as replies, by `returned` or at `lane_closed`.
  call_step lane_closing(lane_id lane);
  /// The lane is gone in good order: what it held had not begun, and is ready again before all others, at no charge.
  call_step lane_closed(lane_id lane);
  /// The lane is gone. `culprit` is the call that was at work, where that is known: it is charged an attempt, unless
  /// `reason` is `node_lost`; the others are ready again at no charge. Without a culprit each of them has lost an attempt
  /// that does not count, `free_retries` times in a row; then a call goes alone, and the next loss counts.
  call_step lane_lost(lane_id lane, std::optional<call_number> culprit, const error& reason);
  /// Calls that a lane had not begun. Fails as `replied`.
  result<call_step> returned(lane_id lane, std::span<const call_number> calls);
  /// A `replies` message of a lane, which must be about its oldest calls, in order. `stale` for a lane that there is not
  /// (any more): to be ignored. `malformed` for what cannot be: nothing of it counts, and the owner must end that
  /// lane and say `lane_lost`.
  result<call_step> replied(lane_id lane, std::string message);

  /// Calls in each state so far, by `call_state` value.
  [[nodiscard]] const call_counts& counts() const noexcept { return books_.counts(); }
  /// Number that the next call gets.
  [[nodiscard]] call_number next() const noexcept { return books_.next(); }
  /// Lanes that hold nothing: close those that have done so for long.
  [[nodiscard]] std::vector<lane_id> idle_lanes() const { return lanes_.idle_lanes(); }
  [[nodiscard]] std::size_t lanes() const noexcept { return lanes_.size(); }
  [[nodiscard]] bool wants_lane() const noexcept { return wanting_; }
  /// Whether neither `close` nor `cancel` came.
  [[nodiscard]] bool takes_calls() const noexcept { return !closed_; }
  [[nodiscard]] bool is_over() const noexcept { return over_; }
  /// Bytes of results that the client has not read.
  [[nodiscard]] std::uint64_t unread_bytes() const noexcept { return unread_bytes_; }
  /// Bytes of frames and results that are kept.
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return books_.kept_bytes(); }
  /// Messages of lanes that there were not any more.
  [[nodiscard]] std::uint64_t stale_refused() const noexcept { return stale_; }
  [[nodiscard]] std::uint64_t retried() const noexcept { return retried_; }

  /// Aborts when the books do not balance; simulations call it after every step. O(calls).
  void check_invariants() const;

private:
  struct unread {
    std::uint32_t block = 0;
    std::uint64_t bytes = 0;
  };

  // --- what is sent ---
  void finish(call_step& step);
  void pump(call_step& step);
  void send(call_step& step, call_lane& to, std::uint32_t count, bool alone);
  [[nodiscard]] bool goes_alone(call_number call) const noexcept;
  [[nodiscard]] bool window_full() const noexcept {
    return unread_bytes_ >= options_.results_window;
  }

  // --- what is over ---
  [[nodiscard]] result<call_lane*> speaker(lane_id lane);
  tl::unexpected<error> break_lane(call_lane& lane, std::string why);
  result<void> judge(const call_lane& lane, const call_message_view& message);
  void settle_replies(call_step& step, std::string message);
  [[nodiscard]] bool may_retry(call_number call, errc code) const noexcept;
  void give_back(call_step& step, call_number call);
  void lose(call_step& step, call_number call, bool suspect, const error& reason);
  void charge(call_step& step, call_number call, const error& reason);
  void end_badly(call_step& step, call_number call, const error& reason);
  void note_fallen(call_step& step);
  void note_end(call_step& step, call_number call, std::string_view reason);
  void flush_ends(call_step& step);
  std::uint32_t deliver(call_step& step, std::string message);

  options options_;
  call_books books_;
  call_lanes lanes_;
  bool closed_ = false;
  bool over_ = false;
  bool wanting_ = false;
  /// Why the run was cancelled.
  std::optional<error> cancelled_;
  /// Calls that are out and not wanted any more.
  std::set<call_number> stopping_;
  std::deque<unread> unread_;
  std::uint64_t unread_bytes_ = 0;
  /// Read of the oldest message that has not been read as a whole.
  std::uint64_t read_ahead_ = 0;
  std::uint64_t stale_ = 0;
  std::uint64_t retried_ = 0;

  // --- kept for their memory only ---
  call_message_writer writer_;
  call_message_writer ends_;
  std::vector<fallen_call> fallen_;
  /// Of the replies that are looked at: `errc::none` where a call returned.
  std::vector<errc> codes_;
};

} // namespace maze::core
