#pragma once

#include "maze/actors/admission.hpp"
#include "maze/io/files.hpp"

#include <caf/fwd.hpp>
#include <caf/io/scribe.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

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
  /// Of this connection, as both of its ends have it; empty where none was given.
  core::session_ticket ticket{};
};

/// Cuts a connection that CAF owns: both sides see its end as if the link had broken.
/// @note Thread-safe; harmless when the connection is gone already.
class connection_switch {
public:
  connection_switch() = default;
  explicit connection_switch(io::unique_fd socket)
      : socket_(std::make_shared<io::unique_fd>(std::move(socket))) {}

  void cut() noexcept;

private:
  /// A descriptor of its own: the number of CAF's may name something else by now.
  std::shared_ptr<io::unique_fd> socket_;
};

/// For whom an actor is exported: the number under which CAF keeps it, no port of the network.
enum class exported_to : std::uint16_t { workers = 1, clients = 2 };

/// Lets peers in to one actor of this node.
///
/// CAF forgets the way to a node when any connection of that node ends. So of two connections from one
/// process the older is cut and its end seen before CAF hears of the newer.
class inbound_door {
public:
  /// There must be one door of a kind.
  inbound_door(caf::actor_system& system, caf::strong_actor_ptr exported, exported_to whom);

  /// Hands a socket that was accepted over to CAF's middleman. `peer` is what all connections of the
  /// process at the other end have in common. The connection holds `held` while it lives. A client reaches the exported
  /// actor and what `held` is opened to later; without `held`, and for workers, it reaches all actors.
  /// @note Thread-safe; does not block.
  connection_switch admit(authenticated_socket socket, const std::string& peer,
                          std::shared_ptr<admission> held = nullptr);

private:
  struct books;
  std::shared_ptr<books> books_;
};

/// The number that CAF wants to hear with a connection it was given; it means nothing.
inline constexpr std::uint16_t exported_port = 1;

/// A socket that was connected, ready for CAF: request `connect_atom, stream, exported_port` of
/// `basp(system)`, which answers with the peer's node id, its exported actor and an empty set.
/// At most one connection between two nodes: cut the last one, wait for the news of its end, and for
/// `when_settled`, before the next one.
struct outbound_connection {
  caf::io::scribe_ptr stream;
  connection_switch link;
};
outbound_connection prepare_outbound(caf::actor_system& system, authenticated_socket socket);

/// Calls `then` on CAF's I/O thread once CAF has dealt with all ends of connections that anybody has been
/// told of by now. CAF forgets proxies of a lost node by their numbers and a moment late: those of a
/// connection that was made too soon would go with them.
/// @note Thread-safe. `then` may be dropped when the system ends.
void when_settled(caf::actor_system& system, std::function<void()> then);

/// The actor that speaks CAF's protocol between nodes.
caf::actor basp(caf::actor_system& system);

} // namespace maze::actors
