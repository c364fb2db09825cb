#pragma once

#include "maze/core/link_inbox.hpp"
#include "maze/core/link_outbox.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace maze::core {

/// The other end spoke for the first time in this session.
struct session_established {
  friend bool operator==(const session_established&, const session_established&) = default;
};

/// Why a session came to its end.
enum class session_end : std::uint8_t {
  /// Nothing was heard for as long as the lease.
  silent = 1,
  /// The connection was closed and no other came in time.
  closed = 2,
  /// The other end said so: a node learns here that it was expelled.
  told = 3,
  /// What came is not of this protocol.
  broken = 4,
  /// Our own side ended it.
  asked = 5,
};

/// The session is over for good; it is told once.
struct session_over {
  session_end how = session_end::silent;
  error reason;

  friend bool operator==(const session_over&, const session_over&) = default;
};
using link_event = std::variant<session_established, session_over>;

/// What follows from an event at one end of a link.
struct link_step {
  /// To be sent now, in this order.
  std::vector<link_frame> frames;
  /// What arrived, once and in order, as batches for `for_each_item`.
  std::vector<std::string> delivered;
  /// What arrived when the session was over: to be counted, never to be acted on.
  std::vector<std::string> late;
  std::vector<link_event> events;
  /// When `time_passed` is wanted at the latest; nothing once the session is over.
  std::optional<instant> wake_at;
};

/// One end of a session between the master and one incarnation of a node: items go both ways, each
/// exactly once and in order, over connections that lose, repeat, delay and reorder frames, break and
/// come back. Decides as well whether the other end still lives. See core/README.md, "Links".
///
/// The lease counts the time in which this end itself was running: an end that stood still hears
/// what waits for it before it judges the other.
///
/// @note Not thread-safe; knows no clock. Cost: O(1) amortised an item.
class link {
public:
  struct options {
    /// A connected end says something at least this often.
    duration heartbeat = std::chrono::seconds(1);
    /// Silence of the other end for so long ends the session.
    duration lease = std::chrono::seconds(5);
    /// So long may the link stay closed, if the lease does not end before. A node sets this to its
    /// lease: it goes on trying.
    duration reconnect = std::chrono::seconds(1);
    /// How long an acknowledgement waits for a frame that it can travel with, and after how many
    /// batches or bytes it goes alone.
    duration ack_delay = std::chrono::milliseconds(10);
    std::uint32_t ack_batches = 32;
    std::uint64_t ack_bytes = std::uint64_t{2} << 20;
    link_outbox::options out;
    link_inbox::options in;
  };

  /// Not connected yet: the time to connect begins with `now`.
  link(session_id session, options settings, instant now);

  /// Queues an item; `flush` or any other event sends it. Fails with `limit_exceeded` for one that
  /// is larger than `options::in.item_bytes_max`, with `stale` once the session is over.
  result<void> send(std::string_view item);
  /// Sends what is queued as far as the window allows.
  link_step flush(instant now);
  /// A frame came, over whatever connection. Of another session: it is counted and changes nothing.
  link_step received(link_frame frame, instant now);
  /// A connection stands; what the last one may have lost goes again at once.
  link_step connected(instant now);
  link_step disconnected(instant now);
  link_step time_passed(instant now);
  /// Ends the session from this side, for example because a newer incarnation took its place.
  link_step expel(const error& reason, instant now);

  [[nodiscard]] session_id session() const noexcept { return session_; }
  [[nodiscard]] bool is_connected() const noexcept { return connected_; }
  [[nodiscard]] bool is_over() const noexcept { return end_.has_value(); }
  /// What waits to be sent: for back-pressure.
  [[nodiscard]] const link_outbox& outbox() const noexcept { return outbox_; }

  struct counters {
    /// Batches that came again.
    std::uint64_t repeated = 0;
    /// Frames of other sessions.
    std::uint64_t foreign = 0;
    /// Frames that came after the end of the session.
    std::uint64_t late = 0;
  };
  [[nodiscard]] const counters& counted() const noexcept { return counted_; }
  void check_invariants() const;

private:
  /// Takes note of the time; what passed while this end stood still does not count.
  void notice(instant now);
  void take(link_frame&& frame, link_step& step, instant now);
  void take_late(link_frame&& frame, link_step& step);
  void end(session_end how, const error& reason, link_step& step);
  void judge(link_step& step, instant now);
  [[nodiscard]] instant deadline() const noexcept;
  /// The last act of each event: sends what is due and says when to wake.
  link_step finish(link_step step, instant now);

  session_id session_;
  options options_;
  link_outbox outbox_;
  link_inbox inbox_;
  counters counted_;
  bool connected_ = false;
  bool established_ = false;
  std::optional<error> end_;
  instant running_;
  instant heard_;
  instant closed_;
  instant spoke_;
  std::optional<instant> ack_due_;
  std::uint32_t unanswered_batches_ = 0;
  std::uint64_t unanswered_bytes_ = 0;
};

} // namespace maze::core
