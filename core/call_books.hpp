#pragma once

#include "maze/core/call_batch.hpp"
#include "maze/core/call_queue.hpp"
#include "maze/core/call_results.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace maze::core {

enum class call_state : std::uint8_t {
  /// A call that it depends on has not ended.
  waiting = 0,
  ready = 1,
  /// A lane holds it.
  out = 2,
  completed = 3,
  /// For whatever reason; cancelled calls too.
  failed = 4,
};
/// Calls in each state, by `call_state` value.
using call_counts = std::array<std::uint64_t, 5>;

/// What a run knows of one call beside the frame that it came in: 16 bytes.
struct call_record {
  /// The frame; of a completed call the block with its result.
  std::uint32_t home = 0;
  /// Where in it: the arguments; of a completed call the result.
  std::uint32_t at = 0;
  /// Dependencies that have not ended; of a completed call the bytes of its result; of a failed one the
  /// call that failed for a reason of its own.
  std::uint32_t word = 0;
  call_state state = call_state::waiting;
  /// Attempts that failed and count.
  std::uint8_t failures = 0;
  /// Times in a row that its lane was lost for an unknown reason.
  std::uint8_t losses = 0;
  /// The client has read how it ended.
  bool read = false;
};

/// A call that ended because `upstream` failed.
struct fallen_call {
  call_number call = 0;
  call_number upstream = 0;

  friend bool operator==(const fallen_call&, const fallen_call&) = default;
};

/// The books of a run's calls: frames, records, who waits for whom, results that are still wanted. Moves keep them
/// balanced; what should happen is decided elsewhere. A call without dependencies costs 40 bytes beside its
/// arguments, of which 16 lie in the frame.
///
/// What nobody can ask for any more is freed: a frame when all its calls have ended, a result when the client has
/// read it and every call that wants it has ended, records by 4096.
///
/// @note Not thread-safe.
class call_books {
public:
  /// Calls whose records are made and freed together.
  static constexpr std::uint32_t chunk_size = 4096;

  /// Whether all dependencies of a frame may be named: `stale` for a call whose end the client has read.
  [[nodiscard]] result<void> check(const call_batch_view& frame) const;
  /// Takes a frame that was checked. Returns its calls that ended at once, because a dependency had failed.
  std::vector<fallen_call> take(std::string frame);

  /// @pre `known(call)`
  [[nodiscard]] call_record& at(call_number call) noexcept {
    return chunks_[call / chunk_size - first_chunk_]->records[call % chunk_size];
  }
  [[nodiscard]] const call_record& at(call_number call) const noexcept {
    return chunks_[call / chunk_size - first_chunk_]->records[call % chunk_size];
  }
  [[nodiscard]] bool known(call_number call) const noexcept;
  /// Number of the next call.
  [[nodiscard]] call_number next() const noexcept { return next_; }
  /// Lowest number that may be known.
  [[nodiscard]] call_number lowest() const noexcept {
    return static_cast<call_number>(first_chunk_ * chunk_size);
  }

  [[nodiscard]] std::size_t ready_count() const noexcept {
    return counts_[static_cast<std::size_t>(call_state::ready)];
  }
  /// @pre `ready_count() > 0`
  [[nodiscard]] call_number first_ready() const noexcept { return ready_.front(); }
  /// The first ready call is out now.
  call_number send_first();
  /// A call that was out is ready again, before or behind all others.
  void send_back(call_number call, bool first);
  /// Ready calls are not ready any more: their owner ends each of them.
  [[nodiscard]] std::deque<call_number> take_ready();

  struct request {
    std::uint32_t function = 0;
    /// Encoded, with results in their places; valid until the next call of anything here.
    std::string_view arguments;
  };
  /// @pre the call is ready or out
  [[nodiscard]] request what(call_number call);
  /// Bytes of the arguments that `what` gives.
  [[nodiscard]] std::uint64_t arguments_size(call_number call);

  /// A call ended well; `size` bytes at `where` are its result. Calls that wait for nothing else become ready.
  void complete(call_number call, call_results::place where, std::uint32_t size);
  /// A call ended badly. Appends the calls that end with it.
  void fail(call_number call, std::vector<fallen_call>& fallen);
  /// Keeps a message with the ends of calls until `read`. Returns its block.
  std::uint32_t keep(std::string message) { return results_.add(std::move(message)); }
  /// The client has read a message.
  void read(std::uint32_t block);

  [[nodiscard]] const call_counts& counts() const noexcept { return counts_; }
  /// Calls that have not ended.
  [[nodiscard]] std::uint64_t pending() const noexcept {
    return counts_[0] + counts_[1] + counts_[2];
  }
  /// Bytes of frames and results that are kept.
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return frame_bytes_ + results_.bytes(); }
  /// Aborts when the books do not balance. O(calls).
  void check_invariants() const;

private:
  static constexpr std::uint32_t none = UINT32_MAX;
  /// What only calls have that depend on others or are depended on.
  struct link {
    std::uint32_t first_edge = none;
    /// Calls that have not ended and want the result.
    std::uint32_t uses = 0;
    /// Its own first dependency in the frame.
    std::uint32_t dependencies_at = 0;
  };
  struct edge {
    call_number to = 0;
    std::uint32_t next = none;
  };
  struct chunk {
    std::array<call_record, chunk_size> records;
    std::unique_ptr<std::array<link, chunk_size>> links;
    /// Records that somebody may ask for.
    std::uint32_t live = 0;
  };
  struct held_frame {
    std::string bytes;
    std::uint32_t live = 0;
  };

  [[nodiscard]] link& link_of(call_number call);
  /// Null where the call has none.
  [[nodiscard]] link* find_link(call_number call) noexcept;
  [[nodiscard]] call_batch_view frame_of(const call_record& x) const noexcept {
    return call_batch_view::trusted(frames_[x.home].bytes);
  }
  void move(call_record& x, call_state to) noexcept;
  void make_ready(call_number call);
  [[nodiscard]] auto is_ready() const noexcept {
    return [this](call_number call) { return known(call) && at(call).state == call_state::ready; };
  }
  void add_record(call_number call, const call_record& x);
  /// Notes what a call waits for; returns the call because of which it cannot begin, if any.
  std::uint32_t connect(call_number call, const call_batch_view& frame, std::uint32_t from,
                        std::uint32_t count);
  void add_edge(call_number from, call_number to);
  /// Gives back what a call held that has not ended so far.
  void let_go(call_number call);
  void unuse(call_number call);
  void fell(call_number call, call_number root, std::vector<fallen_call>& fallen);
  void forget(call_number call);
  void visit_successors(call_number call, const auto& visit);

  std::deque<std::unique_ptr<chunk>> chunks_;
  std::size_t first_chunk_ = 0;
  call_number next_ = 0;
  std::vector<held_frame> frames_;
  std::vector<std::uint32_t> free_frames_;
  std::vector<edge> edges_;
  std::uint32_t free_edge_ = none;
  call_queue ready_;
  call_results results_;
  call_counts counts_{};
  std::size_t frame_bytes_ = 0;
  std::string spliced_;
};

} // namespace maze::core
