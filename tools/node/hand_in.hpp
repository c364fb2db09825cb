#pragma once

#include "maze/core/workflow.hpp"
#include "node/cluster_session.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace maze::node {

/// A session, and the way to the blobs of its cluster.
struct cluster_access {
  actors::cluster_client& session;
  const cluster_address& address;
};

struct hand_in_options {
  /// What the workflow's paths are relative to.
  std::filesystem::path folder;
  /// The same one gives the same run; nothing: a new run.
  std::optional<std::string> id;
  /// Told what is odd and does no harm; may be empty.
  std::function<void(const std::string&)> warn;
};

/// Hands a workflow in: its files first. Fails as `describe` does, and with what the cluster says.
core::result<core::run_id> hand_in(const cluster_access& to, core::workflow work,
                                   const hand_in_options& how);

} // namespace maze::node
