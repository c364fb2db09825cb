#pragma once

#include "maze/actors/blob_exchange.hpp"
#include "maze/actors/cluster_client.hpp"
#include "maze/io/connector.hpp"
#include "node/cluster_place.hpp"
#include "node/options.hpp"

#include <memory>
#include <optional>

namespace maze::node {

/// Where a cluster is reached, and as whom.
struct cluster_address {
  io::endpoint at;
  io::node_identity self;
  /// Needed across hosts.
  std::shared_ptr<const io::tls_context> tls;
  /// Of a cluster on this machine.
  std::optional<cluster_record> record;
};

/// The cluster that `--cluster`, MAZE_CLUSTER or the runtime folder names.
core::result<cluster_address> find_address(const settings& values);

/// Opens a session; the error says what to do.
core::result<std::unique_ptr<actors::cluster_client>> open_session(const cluster_address& to);

/// Blobs to and from a cluster, each call over a connection of its own.
actors::blob_uploader uploader_to(const cluster_address& to);
actors::blob_downloader downloader_from(const cluster_address& from);

/// The variables and the user of this process.
surroundings surroundings_of_this_process();

} // namespace maze::node
