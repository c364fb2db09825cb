#pragma once

#include "maze/core/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace maze::io {

/// When an operation on a stream gives up.
using stream_deadline = std::chrono::steady_clock::time_point;

/// Bytes in order to and from one peer that somebody vouched for, in both directions at once.
/// Whatever fails does so with `transfer_error`, a deadline that passed too; afterwards the stream is
/// good for nothing but its destruction.
///
/// @note One thread at a time, but `shut_down` may come from any. Blocks on the peer.
class byte_stream {
public:
  virtual ~byte_stream() = default;

  /// Reads what is there into `room`, waiting for the first byte.
  /// @returns the number of bytes; 0 when the peer ended its direction.
  /// @pre `room` is not empty.
  virtual core::result<std::size_t> read_some(std::span<char> room, stream_deadline until) = 0;
  /// Writes all of `bytes`.
  virtual core::result<void> write_all(std::string_view bytes, stream_deadline until) = 0;
  /// Writes `length` bytes of the regular file `file` from `offset` on; a file that ends before that
  /// fails too, with part of it written.
  virtual core::result<void> send_file(int file, std::uint64_t offset, std::uint64_t length,
                                       stream_deadline until) = 0;
  /// Ends both directions for good: a call that waits in another thread returns soon.
  virtual void shut_down() noexcept = 0;
};

} // namespace maze::io
