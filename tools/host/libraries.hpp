#pragma once

#include "maze/core/library.hpp"
#include "maze/core/library_abi.hpp"
#include "maze/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace maze::host {

/// A function as a call reaches it.
struct callable {
  std::int32_t (*call)(const core::library_call* what);
  /// Its position in its own library.
  std::uint32_t index;
};

/// Task libraries in this process.
struct loaded_libraries {
  core::library_set description;
  /// All functions, one library after the other.
  std::vector<callable> functions;
};

/// Loads task libraries, which runs code of theirs; they stay until the process ends. Fails with `invalid_payload`
/// naming the file and what the loader says, and with `unsupported_operation` for one of another kind or
/// version. A file given as `/proc/self/fd/N` is closed once it is loaded.
core::result<loaded_libraries> load_libraries(const std::vector<std::string>& paths);

} // namespace maze::host
