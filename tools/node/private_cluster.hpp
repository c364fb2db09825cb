#pragma once

#include "maze/actors/local_node.hpp"
#include "maze/io/credentials.hpp"
#include "node/cluster_place.hpp"
#include "node/cluster_service.hpp"
#include "node/private_node.hpp"
#include "node/settings.hpp"
#include "node/worker_processes.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace maze::node {

/// What a run with worker processes of its own has besides its master: a place where they find it, the
/// service that lets them in, and the processes.
class private_cluster {
public:
  /// The name of the private cluster of this process.
  static std::string own_name();

  /// Starts `workers` processes, which share out among them what `values` offer, with their state below
  /// `folder`. `on_hopeless` as `worker_processes` has it. `node` and `log` must outlive it.
  static core::result<std::unique_ptr<private_cluster>>
  open(const settings& values, std::uint32_t workers, actors::local_node& node,
       const std::filesystem::path& folder, io::log& log,
       std::function<void(const std::string& why)> on_hopeless);

  /// Kills the workers that still live.
  ~private_cluster();

  /// The workers; they say that they leave when they end, so end them before this.
  [[nodiscard]] worker_processes& workers() { return *workers_; }

private:
  explicit private_cluster(cluster_place place) : place_(std::move(place)) {}

  cluster_place place_;
  std::unique_ptr<cluster_service> service_;
  std::unique_ptr<worker_processes> workers_;
};

/// What one of several workers on this machine offers: its part, but at least one core and one task.
struct worker_share {
  std::uint32_t cpu_millis = 0;
  core::byte_count memory;
  std::optional<std::uint32_t> jobs;
  /// Ids of devices; none is another worker's, too.
  std::vector<std::string> gpus{};

  friend bool operator==(const worker_share&, const worker_share&) = default;
};
/// @pre 0 <= which < workers, and `jobs`, where it is set, is at least `workers`.
worker_share share_of(const machine_offer& whole, std::optional<std::uint32_t> jobs,
                      std::uint32_t workers, std::uint32_t which);

} // namespace maze::node
