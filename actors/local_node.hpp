#pragma once

#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/transport.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"
#include "maze/sandbox/launcher.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace caf {
class actor_system;
}

namespace maze::actors {

/// Everything that a node with both roles needs to be told.
struct node_settings {
  std::string name = "local";
  /// Where its state lies; made when missing, with mode 0711 so that children under other users reach
  /// their own views. Locked against a second process.
  std::filesystem::path folder;
  core::resources total;
  /// Children at once, whatever they need; empty: as many as fit.
  std::optional<std::uint32_t> children_max;
  /// Whether facts and blobs reach the disk before they count. Off only for state that is thrown away.
  bool durable = true;
  /// A root node gives the children of each slot two user ids of their own, from here on; empty: they
  /// run as the node does.
  std::optional<std::uint32_t> first_user;
  /// Soft limit of open files that children begin with; empty: this process's own.
  std::optional<std::uint64_t> child_open_files;
  /// The maze-init executable; empty: the one that came with the running executable.
  std::filesystem::path init_executable;
  /// From SIGTERM to SIGKILL when an attempt is stopped.
  std::chrono::milliseconds stop_grace{2000};
  /// Of the runs that ended and were not released, the latest so many can still be asked about.
  std::size_t ended_runs_max = 1000;
  /// What its owner calls it by.
  std::map<std::string, std::string> labels;
  /// Where clients are let in, what they are told; empty: no clients.
  struct clients {
    /// Of the cluster.
    std::string cluster;
    std::string version;
    /// A client asks for the end of this process: must not block.
    std::function<void()> on_shut_down;
  };
  std::optional<clients> serves;
};

/// One process that is master and worker node at once: the composition root of all actors.
///
/// @note Made, used and destroyed by one thread that is no actor.
class local_node {
public:
  /// Fails with `already_exists` when another process holds `folder`, with `permission_denied` when
  /// children under other users could not reach it, else with what went wrong on the way.
  static core::result<std::unique_ptr<local_node>> start(const node_settings& settings,
                                                         std::shared_ptr<io::log> log);
  /// Stops all children, lets every actor end.
  ~local_node();

  [[nodiscard]] caf::actor_system& system() noexcept;
  [[nodiscard]] const master_actor& master() const noexcept;
  /// Lets a client in whose stream has been authenticated.
  /// @pre The settings have `serves`. @note Thread-safe.
  void admit_client(authenticated_socket socket);
  [[nodiscard]] io::blob_store& blobs() noexcept;
  [[nodiscard]] const std::shared_ptr<io::blob_store>& shared_blobs() const noexcept;
  [[nodiscard]] const std::filesystem::path& folder() const noexcept;
  [[nodiscard]] const sandbox::capabilities& can() const noexcept;

  /// Stops what runs, with grace, gives up what is being hashed, and takes nothing new.
  /// @returns whether no child lives any more and nothing of an attempt is at work; false when that
  /// takes longer than `patience`.
  bool drain(std::chrono::milliseconds patience);

private:
  struct data;
  explicit local_node(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

} // namespace maze::actors
