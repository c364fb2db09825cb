#pragma once

#include "maze/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace maze::io {

/// Longest path of a UNIX socket, in bytes. Source: unix(7), `sun_path` less its end.
inline constexpr std::size_t socket_path_max = 107;

/// A UNIX socket: same machine, same user.
struct unix_endpoint {
  /// Absolute, at most `socket_path_max` bytes.
  std::string path;

  friend bool operator==(const unix_endpoint&, const unix_endpoint&) = default;
};

/// A TCP port.
struct tcp_endpoint {
  /// A name or an address; IPv6 addresses without brackets.
  std::string host;
  /// 0 lets the kernel choose, for those who listen.
  std::uint16_t port = 0;

  friend bool operator==(const tcp_endpoint&, const tcp_endpoint&) = default;
};

/// Where a node listens.
using endpoint = std::variant<unix_endpoint, tcp_endpoint>;

/// Parses `unix:/path`, `tcp:host:port`, `tcp:[::1]:port`. Fails with `invalid_argument` or, for a
/// path that no socket can have, `limit_exceeded`; the message names the text and what is allowed.
core::result<endpoint> parse_endpoint(std::string_view text);

/// The text that parses back to `x`.
std::string to_string(const endpoint& x);

/// Whether a listener there takes connections on every address of its machine, so that it says to nobody
/// where to connect.
bool is_wildcard(const endpoint& x);

} // namespace maze::io
