#pragma once

#include "maze/core/units.hpp"
#include "maze/sandbox/container_command.hpp"
#include "maze/sandbox/container_engine.hpp"

#include <filesystem>
#include <string>

namespace maze::sandbox {

/// How images are made of archives, and how long they stay.
struct image_import {
  /// The program maze-image.
  std::filesystem::path reader;
  /// The most that an image may unpack to.
  core::byte_count size_max;
  /// A folder, absolute, which is made where it is missing: it has a file for each image, named after the tag and locked while the image is used; when that was begun
  /// last is when it was written. Nodes with the same folder have the same images, and no others: an engine may serve many.
  std::filesystem::path records;
  /// An image goes when it was not used for so long; in whole seconds.
  core::duration age_max;
};

/// How one script gets an image.
struct image_errand {
  /// A folder of its own, absolute: it is made, and holds what is on its way. What is left of it after a script that was killed is for the caller to remove.
  std::filesystem::path scratch;
  /// A descriptor below 10 that is free: as long as it is open, nobody removes the image.
  int lock = 9;
  /// Whether the engine had the image before, so that it need not be asked.
  bool known = false;
};

/// How the names begin of images with their records in that folder.
std::string image_prefix(const std::filesystem::path& records);

/// A shell script that gets `image` unless the engine has it, and holds on to it. It prints nothing but what went wrong, and answers `container_refused` then.
std::string image_script(const container_engine& engine, const container_image& image,
                         const image_import& how, const image_errand& errand);

/// A shell script that removes the images made of archives that nobody uses: those that were not used for `how.age_max`, and those whose folder of records is
/// gone. It prints nothing.
std::string image_sweep_script(const container_engine& engine, const image_import& how);

} // namespace maze::sandbox
