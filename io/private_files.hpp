#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace maze::io {

/// Opens a folder that nobody but its owner may enter; makes it, with mode 0700, where there is none
/// (its parent must exist). Fails with `permission_denied`, saying what to do, when others have any
/// right on it or when it belongs to neither this user nor root.
core::result<unique_fd> open_private_folder(const std::filesystem::path& path);

/// The content of a regular file under the same rules; `not_found` where there is none,
/// `limit_exceeded` beyond `size_max` bytes.
core::result<std::string> read_private(const std::filesystem::path& path, std::uint64_t size_max);

} // namespace maze::io
