#pragma once

#include "maze/core/result.hpp"
#include "maze/core/units.hpp"
#include "maze/io/saved_image.hpp"

#include <string>

namespace maze::io {

/// What an engine is to know of an image.
struct written_image {
  /// What it is called.
  std::string name;
  /// The folder without which nobody needs it: its label `maze.images`. Where that is no text, `/`.
  std::string folder;
  /// The most that its layers may unpack to.
  core::byte_count size_max;
};

/// Writes the `image` in the archive `from` to `to`, as an archive that docker and podman load as `as`: with its layers, unpacked, its variables
/// and nothing else that it says of itself. So no name that it claims takes the place of somebody's image, and what the
/// layers are called is found out from their bytes. Fails with `malformed` where a layer cannot be unpacked, with `invalid_argument` where no layer
/// has a program, with `limit_exceeded` beyond `as.size_max`.
///
/// @note Reads the archive twice: sizes come before contents. What was written is an image only if this succeeds.
core::result<void> write_saved_image(int from, const saved_image& image, const written_image& as,
                                     int to);

/// The same of the archive of a file system, which becomes the one layer of an image for machines of `architecture`. Fails with `malformed` also
/// where the archive does not end as archives do.
core::result<void> write_file_system(int from, const std::string& architecture,
                                     const written_image& as, int to);

} // namespace maze::io
