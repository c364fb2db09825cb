#pragma once

#include "maze/io/files.hpp"

#include <caf/fwd.hpp>
#include <caf/io/scribe.hpp>

#include <cstdint>
#include <memory>

struct ssl_st;

namespace maze::actors {

struct tls_deleter {
  void operator()(ssl_st* session) const noexcept;
};
/// An OpenSSL session whose handshake is done.
using tls_session = std::unique_ptr<ssl_st, tls_deleter>;

/// A connected stream socket whose peer has been authenticated. CAF never gets any other.
struct authenticated_socket {
  io::unique_fd fd;
  /// Null for a socket on the same host, which needs no encryption.
  tls_session tls;
};

/// Cuts a connection that CAF owns: both sides see its end as if the link had broken.
/// @note Thread-safe; harmless when the connection is gone already.
class connection_switch {
public:
  connection_switch() = default;
  explicit connection_switch(io::unique_fd socket) : socket_(std::move(socket)) {}

  void cut() noexcept;

private:
  /// A descriptor of its own: the number of CAF's may name something else by now.
  io::unique_fd socket_;
};

/// The number under which the one exported actor of a node is found. No port of the network.
inline constexpr std::uint16_t exported_port = 1;

/// Hands a socket that was accepted over to CAF's middleman; the peer gets `exported`.
/// @note Thread-safe.
connection_switch adopt_inbound(caf::actor_system& system, authenticated_socket socket,
                                const caf::strong_actor_ptr& exported);

/// A socket that was connected, ready for CAF: request `connect_atom, stream, exported_port` of
/// `basp(system)`, which answers with the peer's node id, its exported actor and an empty set.
/// At most one connection between two nodes: cut the last one, and wait for the news of its end,
/// before the next one.
struct outbound_connection {
  caf::io::scribe_ptr stream;
  connection_switch link;
};
outbound_connection prepare_outbound(caf::actor_system& system, authenticated_socket socket);

/// The actor that speaks CAF's protocol between nodes.
caf::actor basp(caf::actor_system& system);

} // namespace maze::actors
