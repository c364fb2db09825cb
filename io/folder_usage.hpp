#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <filesystem>

namespace maze::io {

/// Bytes on disk of all that lies in `folder`, as the file system counts them: holes cost nothing, several names of one file
/// count once, each file, folder and link at least one block of 512 bytes, so that a flood of empty files counts too.
/// Follows no link. What vanishes meanwhile is passed over, and so is a folder that may not be read.
///
/// @param force  gives folders the bits that their owner needs, for trees that go away anyway.
/// @note Blocks on disk.
core::result<std::uint64_t> used_bytes(const std::filesystem::path& folder, bool force);

} // namespace maze::io
