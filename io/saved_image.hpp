#pragma once

#include "maze/core/result.hpp"
#include "maze/core/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace maze::io {

/// What is used of an image that `docker save` or `podman save` wrote to an archive, in either of their formats.
struct saved_image {
  /// Which entries of the archive are its layers, counted from 0, the lowest first. One may stand there twice.
  std::vector<std::uint64_t> layers;
  /// `NAME=value`.
  std::vector<std::string> environment;
  /// As Go calls it: `amd64`, `arm64`.
  std::string architecture;

  friend bool operator==(const saved_image&, const saved_image&) = default;
};

/// Looks for an image in an archive (tar; plain, gzip, xz or zstd), from bytes that nobody vouches for. Nothing: it is one of a file
/// system. Of images for several machines that of `architecture` is taken. Fails with `malformed` for what is no archive and for an
/// image with parts that are missing, with `invalid_argument` for several images and for one for other machines, with `limit_exceeded` for more entries or text
/// than images have, and for what has no room as it is in the archive.
///
/// @pre `from` can be read from its start again.
/// @note Blocks on disk. Moves the descriptor's position.
core::result<std::optional<saved_image>> find_saved_image(int from, const std::string& architecture,
                                                          core::byte_count room);

} // namespace maze::io
