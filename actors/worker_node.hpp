#pragma once

#include "maze/actors/node_home.hpp"
#include "maze/actors/protocol/uplink_actor.hpp"
#include "maze/actors/transport.hpp"
#include "maze/io/byte_stream.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace maze::actors {

/// How a worker node reaches the others of its cluster; both block and are called from any thread.
struct worker_roads {
  /// Connects to the master on the control plane.
  std::function<core::result<authenticated_socket>()> dial;
  /// Connects to a node on the bulk plane; `endpoint` is `master`, or what a node said of itself.
  std::function<core::result<std::unique_ptr<io::byte_stream>>(const std::string& endpoint)>
      connect_bulk;
  std::string master;
  /// Where this node serves blobs itself; empty: it does not.
  std::string own;
  /// The master wants the end of this process: must not block. May be empty.
  std::function<void()> on_end;
};

/// One process that runs tasks for a master elsewhere, and shares no folder with it.
///
/// @note Made, used and destroyed by one thread that is no actor.
class worker_node {
public:
  /// Fails like `local_node::start`. The node joins its master in the background, and joins again
  /// whenever it was lost.
  static core::result<std::unique_ptr<worker_node>>
  start(const node_settings& settings, worker_roads roads, std::shared_ptr<io::log> log);
  /// Stops all children, lets every actor end.
  ~worker_node();

  /// Whether the node is a member now, and if not, why.
  [[nodiscard]] uplink_status status() const;
  [[nodiscard]] sync_traffic traffic() const;
  /// Waits until the node is a member; false when that takes longer than `patience`.
  bool await_admission(std::chrono::milliseconds patience) const;
  /// Tells the master that the node goes, stops what runs, with grace, and takes nothing new.
  /// @returns whether no child lives any more; false when that takes longer than `patience`.
  bool drain(std::chrono::milliseconds patience);
  [[nodiscard]] const std::shared_ptr<io::blob_store>& shared_blobs() const noexcept;

private:
  struct data;
  explicit worker_node(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

} // namespace maze::actors
