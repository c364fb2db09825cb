#pragma once

#include "maze/core/bulk_protocol.hpp"
#include "maze/io/byte_stream.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// One frame that arrived. The payload stays until the next call of its reader.
struct bulk_frame {
  core::bulk::frame_header header;
  std::string_view payload;
};

/// How long a peer may take.
struct bulk_deadlines {
  /// For the first byte of the next frame.
  std::chrono::milliseconds idle{std::chrono::seconds(30)};
  /// For the rest of a frame once it began, and for what is written in one go (at most some hundred
  /// KiB): a peer that goes drop by drop is given up too.
  std::chrono::milliseconds frame{std::chrono::seconds(30)};
};

/// Takes frames from a stream in large reads: thousands of small ones cost few system calls.
///
/// @note Not thread-safe.
class bulk_frame_reader {
public:
  explicit bulk_frame_reader(byte_stream& from);

  /// The next frame; nothing where the peer ended the stream between two frames. Fails with
  /// `transfer_error`, or `malformed` and `limit_exceeded` for what is no frame.
  core::result<std::optional<bulk_frame>> next(const bulk_deadlines& limits);

private:
  core::result<bool> fill(std::size_t wanted, const bulk_deadlines& limits);

  byte_stream& from_;
  std::vector<char> buffer_;
  /// What is not taken yet lies in [begin_, end_).
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Collects frames, so that many small ones go out in one write.
///
/// @note Not thread-safe.
class bulk_frame_writer {
public:
  explicit bulk_frame_writer(byte_stream& to) : to_(to) {}

  /// Adds a complete frame; written when enough came together.
  core::result<void> add(std::string_view frame, const bulk_deadlines& limits);
  /// Adds the headers of a part of `length` bytes, which `room_for` or `send_file` completes.
  void add_part_header(std::uint32_t request, const core::bulk::part_header& header,
                       std::size_t length);
  /// Room for `size` bytes behind what was added. Valid until the next call.
  char* room_for(std::size_t size);
  /// Writes what was added if it became much.
  core::result<void> flush_if_full(const bulk_deadlines& limits);
  /// Writes what was added, then bytes of a file.
  core::result<void> send_file(int file, std::uint64_t offset, std::size_t length,
                               const bulk_deadlines& limits);
  core::result<void> flush(const bulk_deadlines& limits);

private:
  byte_stream& to_;
  std::string collected_;
};

} // namespace maze::io
