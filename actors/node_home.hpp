#pragma once

#include "maze/actors/container_service.hpp"
#include "maze/actors/host_programs.hpp"
#include "maze/actors/library_catalogue.hpp"
#include "maze/actors/protocol/file_sync_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/reactor.hpp"
#include "maze/core/link.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/core/sandbox_policy.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/gpu_devices.hpp"
#include "maze/io/log.hpp"
#include "maze/io/trusted_code.hpp"
#include "maze/sandbox/launcher.hpp"

#include <caf/actor_system_config.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace maze::actors {

/// Everything that a node needs to be told.
struct node_settings {
  std::string name = "local";
  /// Where its state lies; made when missing, with mode 0711 so that children under other users reach
  /// their own views. Locked against a second process.
  std::filesystem::path folder;
  core::resources total;
  /// As many as `total` says.
  io::gpu_devices gpus{};
  /// Whether it runs tasks itself; a master need not.
  bool works = true;
  /// Children at once, whatever they need; empty: as many as fit.
  std::optional<std::uint32_t> children_max;
  /// Whether facts and blobs reach the disk before they count. Off only for state that is thrown away:
  /// it has no journal either, for nobody could read it.
  bool durable = true;
  /// A root node gives the children of each slot two user ids of their own, from here on; empty: they
  /// run as the node does.
  std::optional<std::uint32_t> first_user;
  /// What every task gets at least, whatever it asks for.
  core::sandbox_level sandbox_min = core::sandbox_level::none;
  /// Variables of this process' environment that tasks may ask for.
  std::vector<std::string> passed_variables;
  /// What tasks may do here; of a master also what may be handed in.
  core::permission_set permitted = core::permission_set::all();
  /// Of all tasks that are handed in to a master.
  core::sandbox_policy policy;
  /// All that may be loaded here of libraries and pickled functions, of a master all that may be handed in; null: anything.
  std::shared_ptr<const io::trusted_code> trusted;
  /// The most that an archive of an image may unpack to.
  core::byte_count image_size{std::uint64_t{16} << 30};
  /// An image that was made of an archive goes when it was not used for so long.
  core::duration image_age = std::chrono::hours(7 * 24);
  /// Which of them are used stands in this folder, and nodes with the same one share them; empty: `images` in its own.
  std::filesystem::path image_folder;
  /// Soft limit of open files that children begin with; empty: this process's own.
  std::optional<std::uint64_t> child_open_files;
  /// The maze-init executable; empty: the one that came with the running executable.
  std::filesystem::path init_executable;
  /// From SIGTERM to SIGKILL when an attempt is stopped.
  std::chrono::milliseconds stop_grace{2000};
  /// Of the runs that ended and were not released, the latest so many can still be asked about.
  std::size_t ended_runs_max = 1000;
  /// For how long what forgotten runs have left is spared after somebody touched it: see
  /// `io::blob_store::options`. 0: it stays, because the whole state goes with the node.
  std::chrono::nanoseconds claim_life{};
  /// Folder of task libraries that this node has from the start; empty: none. Runs that use the same bytes find them here,
  /// all others come over the network.
  std::filesystem::path libraries;
  /// What its owner calls it by.
  std::map<std::string, std::string> labels;
  /// How long the other end of a link may be silent, and the like. A worker node goes on trying to
  /// connect as long as its lease, whatever `reconnect` says.
  core::link::options link;
  /// Whether it keeps warm children although it serves nobody: they need CAF's I/O thread.
  bool warm_children = false;
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

/// What every node that runs tasks has, whatever else it is: its folder, its store, its maze-init.
struct node_home {
  /// Fails with `already_exists` when another process holds the folder, with `permission_denied` when
  /// children under other users could not reach it, else with what went wrong on the way.
  static core::result<std::unique_ptr<node_home>> open(const node_settings& settings,
                                                       std::shared_ptr<io::log> log);

  std::filesystem::path folder;
  io::unique_fd lock;
  std::shared_ptr<io::log> log;
  std::shared_ptr<io::blob_store> blobs;
  /// Outlives the actor system.
  reactor events;
  std::shared_ptr<sandbox::launcher> launcher;
  host_programs programs;
  std::shared_ptr<library_catalogue> libraries;
  /// Null where this machine has no container engine.
  std::shared_ptr<container_service> containers;
  /// Ends the collection of files when the node stops.
  std::stop_source stopping;

  /// What of sandboxes the node can give. The first call waits for the proof of level seccomp.
  [[nodiscard]] core::sandbox_offer offers(const node_settings& settings) const;

private:
  void try_sealed(const node_settings& settings);

  /// Whether a sealed child could be had; invalid where looking told that it cannot.
  std::shared_future<core::result<void>> sealed_;

  core::result<void> stock(const std::filesystem::path& own_libraries);
};

/// Whom a node's agent talks to.
struct agent_neighbours {
  slot_listener scheduler;
  bundle_source registry;
  /// Null where the store is the master's own.
  file_sync_actor files;
};

/// Spawns the agent of a node and what it needs.
local_agent_actor spawn_agent(caf::actor_system& system, const node_home& home,
                              const node_settings& settings, const agent_neighbours& neighbours);

/// How maze sets CAF up.
struct node_config : caf::actor_system_config {
  explicit node_config(bool meets_others);
};

/// For ids that must differ from start to start.
std::uint64_t random_seed();

} // namespace maze::actors
