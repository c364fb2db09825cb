#pragma once

#include <filesystem>
#include <vector>

namespace maze::actors {

/// The programs that call functions, in children.
struct host_programs {
  /// Loads task libraries.
  std::filesystem::path libraries;
  std::filesystem::path python = "/usr/bin/python3";
  /// What `python` runs.
  std::filesystem::path runner;

  /// What children have to see of them where they see nothing else; the interpreter is one of the system's.
  [[nodiscard]] std::vector<std::filesystem::path> all() const {
    return {libraries, runner, runner.parent_path() / "maze_runner"};
  }
  /// Those that came with this maze-init: they lie beside it.
  static host_programs beside(const std::filesystem::path& init_executable) {
    return {.libraries = init_executable.parent_path() / "maze-host",
            .runner = init_executable.parent_path() / "runner.py"};
  }
};

} // namespace maze::actors
