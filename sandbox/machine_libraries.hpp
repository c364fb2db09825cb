#pragma once

#include "maze/core/result.hpp"
#include "maze/sandbox/container_command.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace maze::sandbox {

/// How a program of this machine, and what it loads, runs in a container whose image has other libraries or none.
struct machine_libraries {
  /// The machine's folders of libraries and the program, below `container_folder`, to be read only.
  std::vector<container_mount> mounts;
  /// The words that run it: the machine's own loader, told where to look, and the program.
  std::vector<std::string> command;
};

/// How `program` runs in a container. Of the image only what lies nowhere in the machine's folders is loaded. Fails with
/// `unsupported_operation` where it is no dynamic program of this machine.
/// @note Blocks on disk, for microseconds.
core::result<machine_libraries> libraries_for(const std::filesystem::path& program);

} // namespace maze::sandbox
