#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maze::host {

/// What the host does with its descriptors; see README.md.
enum class mode : std::uint8_t { stream, once, describe, help };

struct options {
  mode how = mode::stream;
  /// Of a stream: each call in a copy of the process.
  bool forks = false;
  /// With `forks`: its sandbox has a limit of memory.
  bool memory_limited = false;
  /// Files of task libraries, in the order in which calls count their functions.
  std::vector<std::string> libraries;
  /// Bytes that the encoded result of a call may take.
  std::uint64_t result_max = std::uint64_t{64} << 20;
};

/// Fails with `invalid_argument`.
core::result<options> read_options(int argc, const char* const* argv);

std::string_view usage() noexcept;

} // namespace maze::host
