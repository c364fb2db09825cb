#pragma once

#include <filesystem>

namespace maze::actors {

/// The programs that call functions, in children.
struct host_programs {
  /// Loads task libraries.
  std::filesystem::path libraries;
  std::filesystem::path python = "/usr/bin/python3";
  /// What `python` runs.
  std::filesystem::path runner;

  /// Those that came with this maze-init: they lie beside it.
  static host_programs beside(const std::filesystem::path& init_executable) {
    return {.libraries = init_executable.parent_path() / "maze-host",
            .runner = init_executable.parent_path() / "runner.py"};
  }
};

} // namespace maze::actors
