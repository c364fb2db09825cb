#pragma once

#include "maze/core/result.hpp"
#include "maze/core/units.hpp"
#include "maze/io/handshake.hpp"
#include "maze/io/listener.hpp"
#include "maze/io/refusals.hpp"
#include "maze/io/stream.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

struct acceptor_settings {
  /// Where to listen, at least one and at most 16.
  std::vector<endpoint> endpoints;
  /// What this node says of itself; its plane does not matter.
  hello own;
  /// Which planes are served.
  bool control = true;
  bool bulk = true;
  /// For a whole handshake, from the connection to the answered hello.
  core::duration handshake_max = std::chrono::seconds(5);
  /// Handshakes in progress; each takes up to about 100 KiB under TLS.
  std::uint32_t handshakes_max = 64;
  /// Of these, from one address, IPv6 /64 network or local process.
  std::uint32_t handshakes_per_peer_max = 16;
};

/// What an acceptor has to say; both are called from its own thread, must not throw and should not
/// wait: nobody else is let in meanwhile.
struct acceptor_events {
  std::function<void(connection)> established;
  /// One line for the log; at most 8 at once and one a second in the long run.
  std::function<void(std::string_view)> refused;
};

struct acceptor_counts {
  std::uint64_t established = 0;
  /// Handshakes at this moment, and the most there ever were.
  std::uint32_t in_progress = 0;
  std::uint32_t in_progress_max = 0;
  /// Times that the system could not give a connection (descriptors, memory): a pause follows.
  std::uint64_t pauses = 0;
  /// How often the acceptor woke up: it sleeps while nothing happens.
  std::uint64_t turns = 0;
  refusal_counts refused{};
};

/// Listens on several endpoints and lets in who belongs to the cluster: TLS with certificates on TCP,
/// the own user or root on UNIX sockets, then the hello. One thread serves all handshakes.
///
/// When all places are taken, a newcomer gets the oldest place of the origin that has the most,
/// provided that it would not then have as many itself; so one origin cannot lock the others out.
/// @note The destructor drops what is in progress and waits for a callback that runs.
class acceptor {
public:
  /// `tls` is needed for TCP endpoints and must outlive the acceptor. Fails as `listener::open` does,
  /// with `invalid_argument` for wrong settings, with `stale` when the own certificate has expired.
  static core::result<std::unique_ptr<acceptor>>
  open(acceptor_settings settings, const tls_context* tls, acceptor_events events);
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;
  ~acceptor();

  /// In the order of the settings, with real ports.
  [[nodiscard]] std::vector<endpoint> endpoints() const;
  /// Thread-safe.
  [[nodiscard]] acceptor_counts counts() const noexcept;

private:
  class loop;
  explicit acceptor(std::unique_ptr<loop> runs);
  std::unique_ptr<loop> loop_;
};

} // namespace maze::io
