#pragma once

#include "maze/core/units.hpp"
#include "maze/sandbox/container_command.hpp"
#include "maze/sandbox/container_engine.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace maze::sandbox {

/// How the line begins by which maze-image says why it makes no image of an archive.
inline constexpr std::string_view archive_refused = "maze-image: ";

/// How images are made of archives.
struct image_import {
  /// The program maze-image.
  std::filesystem::path reader;
  /// The most that an image may unpack to.
  core::byte_count size_max;
};

/// A shell script that gets `image` unless the engine has it. It prints nothing but what went wrong, and answers `container_refused` then.
/// @param scratch  a folder of its own, absolute: it is made, and holds what is on its way. What is left of it after a script that was killed is for
///                 the caller to remove
std::string image_script(const container_engine& engine, const container_image& image,
                         const image_import& how, const std::filesystem::path& scratch);

} // namespace maze::sandbox
