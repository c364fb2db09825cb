#pragma once

#include "maze/core/result.hpp"
#include "maze/core/units.hpp"
#include "maze/io/archive_entries.hpp"

#include <cstdint>
#include <string>

namespace maze::io {

/// How much room an image may take once it is unpacked.
class image_room {
public:
  explicit image_room(core::byte_count most) : most_(most.value), left_(most.value) {}

  /// Fails with `limit_exceeded`, naming the limit, where less than `bytes` are left.
  core::result<void> take(std::uint64_t bytes);
  /// The same for what a file of that length takes: whole blocks, holes as well, and one where it is empty.
  core::result<void> take_file(std::uint64_t length);
  /// What was taken so far, in bytes.
  [[nodiscard]] std::uint64_t taken() const noexcept { return most_ - left_; }

private:
  std::uint64_t most_;
  std::uint64_t left_;
};

/// What there is to know of a layer of an image: a tar archive, unpacked.
struct image_layer {
  /// Of the archive, in bytes.
  std::uint64_t size = 0;
  /// SHA-256 of the archive, in hexadecimal digits.
  std::string hash;
  /// Whether any file of it can be executed.
  bool has_programs = false;
  /// Whether it ends as archives end; otherwise it may have been cut off.
  bool has_end = false;
};

/// Reads a layer to its end, of bytes that nobody vouches for, taking from `room` what an engine would make of it: its files, or its own length where
/// that is more. Fails with `limit_exceeded` as soon as that is too much, with `malformed` for what is no archive or is cut off.
core::result<image_layer> read_layer(unpacked_bytes& from, image_room& room);

} // namespace maze::io
