#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace maze::core {

/// What a frame carries.
enum class frame_kind : std::uint8_t {
  /// A batch of whole items; or none, then it is a heartbeat or an acknowledgement.
  items = 1,
  /// A batch that ends inside an item; the next batch goes on with it.
  slice = 2,
  /// The news that the session is over for good, and why.
  over = 3,
};
constexpr bool is_known(frame_kind x) noexcept {
  return x >= frame_kind::items && x <= frame_kind::over;
}

/// What the two ends of a link send each other (core/README.md, "Links").
struct link_frame {
  /// A batch is never larger.
  static constexpr std::uint64_t batch_bytes_limit = std::uint64_t{1} << 20;

  session_id session;
  frame_kind kind = frame_kind::items;
  /// Number of the batch in its direction, from 1; 0 where the frame carries none.
  std::uint64_t number = 0;
  /// Every batch of the other direction up to this number has arrived.
  std::uint64_t ack = 0;
  /// The batch; of `over`, the encoded error.
  std::string items;

  friend bool operator==(const link_frame&, const link_frame&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, link_frame& x) {
    return f(x.session, x.kind, x.number, x.ack, x.items);
  }
};

/// Tells the other end that the session is over.
link_frame over_frame(session_id session, const error& reason);
/// What an `over` frame says; a sentence of our own where it cannot be read.
error reason_of(const link_frame& over);

/// Bytes that `append_item` adds for an item of `size` bytes.
std::uint64_t packed_size(std::uint64_t size) noexcept;
/// Adds an item to a batch: its length as `varint`, then its bytes.
void append_item(std::string& batch, std::string_view item);
/// Cuts the first item off a batch that `check_batch` found sound. @pre not empty
std::string_view take_item(std::string_view& batch) noexcept;
/// Checks bytes that nobody vouches for: whole items, one after the other. Gives their number, or
/// `malformed` naming the offset.
result<std::uint64_t> check_batch(std::string_view batch);

/// Calls `visit(std::string_view)` for each item of a delivered batch, in order.
template <class Visit>
void for_each_item(std::string_view batch, Visit&& visit) {
  while (!batch.empty())
    visit(take_item(batch));
}

} // namespace maze::core
