#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace maze::sandbox {

/// A running maze-init. Closing `socket` makes it kill everything and exit.
class init_process {
public:
  /// Starts `executable`, with the soft limit `open_files` where it is given, else with this process's
  /// own; fails with `io_error` naming it. It tries overlays in `scratch`, else where temporary files are.
  static core::result<init_process> start(const std::filesystem::path& executable,
                                          std::optional<std::uint64_t> open_files = {},
                                          const std::filesystem::path& scratch = {});

  init_process(init_process&&) noexcept;
  init_process& operator=(init_process&&) noexcept;
  ~init_process();

  /// The process at the top, which outlives all of maze-init's children.
  [[nodiscard]] int pid() const;
  /// The socket, once; from then on its owner decides when maze-init ends.
  [[nodiscard]] io::unique_fd take_socket() { return std::move(socket_); }
  /// Blocks until it has ended.
  /// @pre Its socket is closed, or it is known to be dying.
  void wait();

private:
  struct process;
  init_process();

  std::unique_ptr<process> process_;
  io::unique_fd socket_;
};

/// The maze-init that came with `program`: beside it, as in a build folder, or else at `installed`, a
/// path relative to the folder of `program`, so that an installation may be moved. Fails with
/// `not_found` naming both places.
core::result<std::filesystem::path> init_executable_of(const std::filesystem::path& program,
                                                       const std::filesystem::path& installed);

/// The maze-init that came with the running executable.
core::result<std::filesystem::path> default_init_executable();

} // namespace maze::sandbox
