#pragma once

#include "maze/core/result.hpp"

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
/// image with parts that are missing, with `invalid_argument` for several images, with `limit_exceeded` for more entries or text
/// than images have.
///
/// @pre `from` can be read from its start again.
/// @note Blocks on disk. Moves the descriptor's position.
core::result<std::optional<saved_image>> find_saved_image(int from,
                                                          const std::string& architecture);

/// Writes the `image` in the archive `from` to `to`, as an archive that docker and podman load under `name`: with its layers, unpacked, its variables
/// and nothing else that it says of itself. So no name that it claims takes the place of somebody's image, and what the
/// layers are called is found out from their bytes. Fails with `malformed` where a layer cannot be unpacked, with `limit_exceeded` beyond
/// `image_size_max`.
///
/// @note Reads the archive twice: sizes come before contents. What was written is an image only if this succeeds.
core::result<void> write_saved_image(int from, const saved_image& image, const std::string& name,
                                     int to);

/// Bytes of all layers, unpacked.
constexpr std::uint64_t image_size_max = std::uint64_t{64} << 30;

} // namespace maze::io
