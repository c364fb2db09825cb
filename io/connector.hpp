#pragma once

#include "maze/core/result.hpp"
#include "maze/core/units.hpp"
#include "maze/io/endpoint.hpp"
#include "maze/io/hello.hpp"
#include "maze/io/stream.hpp"
#include "maze/io/tls.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace maze::io {

struct connect_settings {
  /// What this node says of itself, and the plane it asks for.
  hello own;
  /// Needed for TCP; must outlive the call only.
  const tls_context* tls = nullptr;
  /// Whom to expect; nothing: anyone of the cluster.
  std::optional<node_role> peer_role;
  std::optional<std::string> peer_name;
  /// For everything: looking up the name, connecting, both handshakes.
  core::duration timeout = std::chrono::seconds(5);
};

/// Connects to a node of the same cluster. The error names the endpoint and says what to do: nobody
/// listens (`not_found`), no route (`io_error`), no answer in time or a connection that broke
/// (`transfer_error`), another cluster, an expired or missing certificate, another role or name
/// (`permission_denied`, or `stale` for the own certificate), another build (`stale`, with both
/// versions), something that is no maze node (`malformed`).
///
/// @note Blocks until the timeout at most. When to try again is `core::retry_delay`'s business.
core::result<connection> connect(const endpoint& to, const connect_settings& settings);

} // namespace maze::io
