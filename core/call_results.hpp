#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// Keeps results that other calls still want: whole messages as they came, and single results packed
/// together, so that few large blocks live instead of many small ones.
///
/// @note Not thread-safe.
class call_results {
public:
  /// Bytes after which a block of packed results is full.
  static constexpr std::size_t block_size = std::size_t{64} << 10;

  struct place {
    std::uint32_t block = 0;
    std::uint32_t at = 0;
  };

  /// Keeps a message until `release`. Returns its block.
  std::uint32_t add(std::string message);
  /// Keeps a copy of one result until `release`.
  place keep(std::string_view result);
  /// One result less in a block; the last frees it.
  void release(std::uint32_t block);

  /// @pre the bytes lie in a block that lives
  [[nodiscard]] std::string_view view(place where, std::size_t size) const noexcept {
    return std::string_view(blocks_[where.block].bytes).substr(where.at, size);
  }
  /// A whole block.
  [[nodiscard]] std::string_view block(std::uint32_t x) const noexcept { return blocks_[x].bytes; }
  /// Bytes in all blocks.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// Blocks that live.
  [[nodiscard]] std::size_t blocks() const noexcept { return blocks_.size() - free_.size(); }

private:
  struct held {
    std::string bytes;
    std::uint32_t live = 0;
  };
  static constexpr std::uint32_t none = UINT32_MAX;

  std::uint32_t fresh();

  std::vector<held> blocks_;
  std::vector<std::uint32_t> free_;
  /// The block that takes the next packed result.
  std::uint32_t open_ = none;
  std::size_t bytes_ = 0;
};

} // namespace maze::core
