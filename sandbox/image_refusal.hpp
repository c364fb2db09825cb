#pragma once

#include <string_view>

namespace maze::sandbox {

/// How the line begins by which maze-image says why it makes no image of an archive.
inline constexpr std::string_view archive_refused = "maze-image: ";

} // namespace maze::sandbox
