#pragma once

#include "maze/core/manifest.hpp"

#include <cstdint>
#include <string>

namespace maze::test {

/// A task that wrote `content` under `path`.
inline core::manifest_delta wrote(const std::string& path, std::uint64_t content) {
  core::manifest_delta files;
  files.written[path].hash.low = content;
  return files;
}
inline core::manifest_delta removed(const std::string& path) {
  return {.written = {}, .removed = {path}};
}

} // namespace maze::test
