#pragma once

#include "maze/core/result.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/sandbox/container_engine.hpp"
#include "maze/sandbox/launcher.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace maze::sandbox {

/// Where a container finds what comes from the node, and the program of it that begins the task.
inline constexpr const char* container_folder = "/run/maze";
inline constexpr const char* container_enter = "/run/maze/enter";
/// Where a container of an engine that hands no descriptor on gets its own: a socket.
inline constexpr const char* container_door = "/run/maze/door";
/// What an engine's program answers where it could not run a container.
inline constexpr int container_refused = 125;

/// The image of a container.
struct container_image {
  /// As the engine knows it.
  std::string name;
  /// What it is made of where the engine does not have it: the archive of a file system, or a saved image. Empty: it is pulled.
  std::filesystem::path archive;
  /// What the task's `sandbox` calls it.
  std::string written;
};

/// The image of a child: what its `sandbox.image` stands for. That of an archive has a name which changes with the file. Fails as `shown_path` does for an archive
/// of the node that `user` could not read, with `not_found` for one that should have come with the run.
/// @param records  the folder with the records of such images
core::result<container_image> image_of(const launch_request& request,
                                       const std::filesystem::path& records);

/// A path of the node that a container sees.
struct container_mount {
  std::filesystem::path from;
  std::filesystem::path to;
  bool writable = false;
};

struct container_start {
  /// Of the container, for whoever has to end it.
  std::string name;
  /// Which node it belongs to.
  std::string owner;
  container_image image;
  std::optional<child_user> user;
  /// `level` is container.
  core::sandbox_spec sandbox;
  std::vector<container_mount> mounts;
  /// Device files of the node, at the same paths in the container.
  std::vector<std::filesystem::path> devices;
  /// Descriptors behind 2 that go along.
  std::size_t inherited = 0;
  /// A folder of the node for the socket through which they go where the engine hands none on (`maze-enter door`).
  std::filesystem::path door;
  /// The control group above its own, at the top of the machine, where the engine makes groups without systemd.
  std::string group;
  /// It stays for tasks that come to its first process, which is root's until it begins one; `user` says nothing then.
  bool stays = false;
  /// Of a container that stays, where the node has the folders of tasks; empty: they have none.
  std::filesystem::path folders;
  /// Of `container_enter`.
  std::vector<std::string> arguments;
};

/// The command line that runs `x` and stays until it has ended, its streams those of the container. Nothing secret is in it: it
/// can be read by everybody. Fails with `invalid_argument` for a path that the engine's options cannot hold.
core::result<std::vector<std::string>> run_command(const container_engine& engine,
                                                   const container_start& x);

/// The words as a shell reads them again.
std::string shell_words(const std::vector<std::string>& words);
/// How a script calls the engine's program: what stands before the command follows it already.
std::string engine_words(const container_engine& engine);

/// How the names begin of all containers of a node, and of the group that they are in.
/// @param node  its process
/// @param word  its own
std::string container_prefix(pid_t node, std::string_view word);

/// A shell script that removes the containers `names` and what is left of them; fine where there is none.
std::string removal_script(const container_engine& engine, const std::vector<std::string>& names);
/// The same for a node that ends, with all its containers, also those that the engine was about to remove by itself; `group`, in which they were, goes too.
std::string farewell_script(const container_engine& engine, const std::string& owner,
                            const std::string& group);
/// The same for all containers of `owner`, but those whose names begin with `spared`, for those of owners whose folder is gone, and for the groups of
/// nodes whose process is gone.
std::string sweep_script(const container_engine& engine, const std::string& owner,
                         const std::string& spared);

} // namespace maze::sandbox
