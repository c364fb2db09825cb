#pragma once

#include "maze/actors/host_programs.hpp"
#include "maze/core/result.hpp"
#include "maze/sandbox/container_command.hpp"

#include <string>
#include <vector>

namespace maze::actors {

/// What a child in a container runs.
struct container_words {
  std::vector<std::string> argv;
  /// What of the node it needs to see for that.
  std::vector<sandbox::container_mount> mounts;
};

/// The words of a child, `argv`, as a container finds the programs that they name: what calls Python functions with the image's own
/// Python, what calls those of task libraries with the libraries of this machine. Fails as `sandbox::libraries_for`.
core::result<container_words> words_inside(std::vector<std::string> argv,
                                           const host_programs& here);

} // namespace maze::actors
