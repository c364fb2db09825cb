#pragma once

#include "maze/core/blob_id.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace maze::core {

/// Archives of images that come with a run, by the path that tasks name.
using archive_refs = std::map<std::string, blob_id, std::less<>>;

/// Archives of one run.
constexpr std::size_t archives_max = 64;
/// The largest archive, in bytes.
constexpr std::uint64_t archive_size_max = std::uint64_t{64} << 30;

} // namespace maze::core
