#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace maze::sandbox {

enum class engine_kind : std::uint8_t { docker = 1, podman = 2 };
std::string_view to_string(engine_kind x) noexcept;

/// A program that runs containers on this machine.
struct container_engine {
  engine_kind kind = engine_kind::podman;
  /// Absolute.
  std::filesystem::path program;
  /// What stands before its command: which runtime and which manager of control groups.
  std::vector<std::string> options;
  /// What its containers get of the limits that no process here may raise; empty: the engine decides.
  std::optional<std::uint64_t> open_files;
  std::optional<std::uint64_t> processes;
  std::optional<std::uint64_t> core{};
};

/// Whether descriptors of its program go on to the container. Docker's are started by a daemon, and its streams come through it, too.
inline bool hands_descriptors_on(const container_engine& x) noexcept {
  return x.kind == engine_kind::podman;
}

/// Whether it makes the control groups of its containers by itself, instead of asking systemd or leaving that to a daemon.
bool makes_groups(const container_engine& x);

/// What the search looks at; the machine's own where a test says nothing.
struct engine_search {
  /// Folders for programs, in order.
  std::vector<std::filesystem::path> folders{"/usr/bin",        "/usr/local/bin", "/usr/sbin",
                                             "/usr/local/sbin", "/bin",           "/sbin"};
  /// Whether somebody listens on a socket of the local machine.
  std::function<bool(const std::filesystem::path&)> answers;
  /// Where docker's daemon listens; empty: on another machine.
  std::filesystem::path docker_socket = "/var/run/docker.sock";
  bool root = false;
  /// Control groups of version 1 beside those of version 2.
  bool hybrid_groups = false;
  /// systemd runs this machine.
  bool systemd = false;

  static engine_search of_this_machine();
};

/// The engine to use: docker where its daemon answers, else podman, which needs a node that is root, with runc, else crun. Looks at
/// files and a socket only, in microseconds. Fails with `unsupported_operation` saying what each of the two lacks.
core::result<container_engine> find_engine(const engine_search& look);

} // namespace maze::sandbox
