#pragma once

#include "maze/actors/blob_exchange.hpp"
#include "maze/actors/cluster_client.hpp"
#include "maze/actors/transport.hpp"
#include "maze/io/bulk_client.hpp"
#include "maze/io/connector.hpp"
#include "node/cluster_place.hpp"
#include "node/options.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace maze::node {

/// Where a cluster is reached, and as whom.
struct cluster_address {
  /// Where its master listens; tried in this order.
  std::vector<io::endpoint> masters;
  io::node_identity self;
  /// Needed across hosts.
  std::shared_ptr<const io::tls_context> tls;
  /// Of a cluster on this machine.
  std::optional<found_cluster> local;
  /// What the join file permits; everything without one.
  core::permission_set permitted = core::permission_set::all();
};

/// The cluster that `--cluster`, MAZE_CLUSTER or the runtime folder names, for a client.
core::result<cluster_address> find_address(const settings& values);
/// The cluster that a worker node joins: that of the join file `--join`, else one on this machine, where
/// the node calls itself `name`; a join file names its node.
core::result<cluster_address> find_master(const settings& values, const std::string& name);

/// Connects to the master on a plane; the error says what to do.
core::result<io::connection> connect_to(const cluster_address& to, io::plane purpose);
/// The same to another worker node that serves blobs at `at`.
core::result<io::connection> connect_to_peer(const cluster_address& as, const io::endpoint& at);
/// What CAF is given of a connection.
actors::authenticated_socket socket_of(io::connection from);

/// Opens a session; the error says what to do.
core::result<std::unique_ptr<actors::cluster_client>> open_session(const cluster_address& to);

/// Blobs to and from a cluster, each call over a connection of its own.
actors::blob_uploader uploader_to(const cluster_address& to);
actors::blob_downloader downloader_from(const cluster_address& from);

/// The variables and the user of this process.
surroundings surroundings_of_this_process();

} // namespace maze::node
