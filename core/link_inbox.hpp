#pragma once

#include "maze/core/link_frame.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace maze::core {

/// The receiving half of a link: hands on each batch once and in order, whatever is repeated, lost or
/// overtaken on the way.
/// @note Not thread-safe.
class link_inbox {
public:
  struct options {
    /// Batches that came too early and wait for one before them, and their bytes, at most; what is
    /// beyond is dropped and will be sent again.
    std::size_t early_max = 4096;
    std::uint64_t early_bytes_max = std::uint64_t{16} << 20;
    /// An item is never larger.
    std::uint64_t item_bytes_max = std::uint64_t{64} << 20;
  };

  explicit link_inbox(options settings) : options_(settings) {}

  /// How a batch came.
  enum class arrival : std::uint8_t { in_order, early, repeated };

  /// Takes a frame with a batch and appends what may be handed on now: batches of whole items, sound
  /// ones (see `for_each_item`). Fails with `malformed` or `limit_exceeded`; then the other end does
  /// not speak this protocol and nothing more can be taken.
  result<arrival> take(link_frame&& frame, std::vector<std::string>& out);

  /// Every batch up to this number has arrived.
  [[nodiscard]] std::uint64_t arrived() const noexcept { return arrived_; }
  /// Bytes of batches that came too early.
  [[nodiscard]] std::uint64_t early_bytes() const noexcept { return early_bytes_; }

private:
  struct batch {
    frame_kind kind;
    std::string bytes;
  };

  result<void> hand_on(batch&& next, std::vector<std::string>& out);

  options options_;
  std::uint64_t arrived_ = 0;
  std::map<std::uint64_t, batch> early_;
  std::uint64_t early_bytes_ = 0;
  /// Slices of an item whose end has not come.
  std::string begun_;
};

} // namespace maze::core
