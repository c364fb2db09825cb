#pragma once

#include "maze/core/link_frame.hpp"
#include "maze/core/units.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// The sending half of a link: packs items into numbered batches, keeps each until it is
/// acknowledged, and sends again what was lost. A batch never changes once it was sent, so its number
/// stands for all its items.
///
/// Cost: O(1) amortised an item; its bytes are copied once into the batch and once into each frame.
/// @note Not thread-safe.
class link_outbox {
public:
  struct options {
    /// Items in one batch, and its bytes, at most. Larger items are cut into slices.
    std::uint32_t batch_items_max = 4096;
    std::uint64_t batch_bytes_max = link_frame::batch_bytes_limit;
    /// Items and bytes that may be on their way and not acknowledged.
    std::uint32_t window_items = 65536;
    std::uint64_t window_bytes = std::uint64_t{16} << 20;
    /// Without any acknowledgement for so long, the oldest batch is sent again; the wait doubles
    /// each time until one comes.
    duration resend_first = std::chrono::milliseconds(500);
    duration resend_longest = std::chrono::seconds(2);
  };

  /// Batches are cut so that one always fits the window.
  explicit link_outbox(options settings);

  /// Queues an item.
  void push(std::string_view item);
  /// Appends frames for the queued batches that fit the window. Nothing is queued afterwards, or the
  /// window is full.
  void send_new(instant now, std::vector<link_frame>& out);
  /// Appends the frames whose time to be sent again has come.
  void send_late(instant now, std::vector<link_frame>& out);
  /// Appends every frame that is not acknowledged, for a connection that is new.
  void send_again(instant now, std::vector<link_frame>& out);
  /// Every batch up to `number` has arrived. False for one that was never sent.
  bool acknowledged(std::uint64_t number, instant now);
  /// When `send_late` has something to do; nothing while all is acknowledged.
  [[nodiscard]] std::optional<instant> due() const noexcept;

  /// What waits for room in the window.
  [[nodiscard]] std::uint64_t queued_items() const noexcept { return queued_.items; }
  [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return queued_.bytes; }
  /// What is on its way and not acknowledged.
  [[nodiscard]] std::uint64_t flying_items() const noexcept { return flying_.items; }
  [[nodiscard]] std::uint64_t flying_bytes() const noexcept { return flying_.bytes; }
  /// Frames that were sent again.
  [[nodiscard]] std::uint64_t resent() const noexcept { return resent_; }
  void check_invariants() const;

private:
  struct batch {
    frame_kind kind = frame_kind::items;
    std::string bytes;
    std::uint32_t items = 0;
    instant sent{};
  };
  struct amount {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
  };

  /// A queued batch with room for `bytes` more.
  batch& open_batch(std::uint64_t bytes);
  void push_sliced(std::string_view item);
  void send(std::size_t at, instant now, std::vector<link_frame>& out);
  [[nodiscard]] duration patience() const noexcept;

  options options_;
  /// First those on their way, then those queued.
  std::deque<batch> batches_;
  std::size_t flying_count_ = 0;
  amount flying_;
  amount queued_;
  /// Number of the first batch.
  std::uint64_t first_ = 1;
  /// Batches up to this one were on their way when one of them was found lost.
  std::uint64_t suspect_until_ = 0;
  std::uint32_t tries_ = 0;
  /// When the last acknowledgement brought news.
  instant progress_{};
  std::uint64_t resent_ = 0;
};

} // namespace maze::core
