#pragma once

#include "maze/core/result.hpp"
#include "maze/core/session_ticket.hpp"
#include "maze/io/hello.hpp"
#include "maze/io/identity.hpp"
#include "maze/io/transport.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace maze::io {

/// Until when a call may wait.
using deadline = std::chrono::steady_clock::time_point;

/// Who is at the other end.
struct peer_identity {
  node_identity who;
  /// Whether a certificate vouches for `who`; else the peer runs as this user, or root, on this
  /// machine, and `who` is what it says of itself.
  bool certified = false;
  /// What the certificate permits: see `certified_identity`; everything without one.
  core::permission_set permitted = core::permission_set::all();
  /// `tcp:10.0.0.7:5123` or `unix:process 4711`: for logs.
  std::string address;
};

/// A stream's parts, for those who read and write by themselves.
struct released_stream {
  /// Non-blocking.
  unique_fd fd;
  /// A session over `fd` whose handshake is done and which does not own `fd`: free it first. Empty for
  /// a plain socket. It never raises SIGPIPE. Bytes may already wait in it: SSL_pending.
  ssl_ptr ssl;
};

/// A byte stream whose other end is known: plain on a UNIX socket, TLS on TCP.
///
/// Calls wait until their deadline at most. A call that fails leaves the stream at an unknown place:
/// drop it. Failures are `transfer_error` (the connection broke, the deadline passed); the message
/// names the peer.
/// @note Not thread-safe, but for `interrupt`. Closing tells the peer.
class stream {
public:
  stream(transport bytes, peer_identity peer) : bytes_(std::move(bytes)), peer_(std::move(peer)) {}

  /// At least one byte; 0 bytes mean that the peer closed the stream in order (or `into` is empty).
  core::result<std::size_t> read_some(std::span<char> into, deadline until);
  /// All of `into`; a stream that ends before is a failure.
  core::result<void> read_all(std::span<char> into, deadline until);
  core::result<void> write_all(std::span<const char> content, deadline until);
  /// Sends `length` bytes of the regular file `file` from `offset`; its position does not matter. A
  /// file that ends before is a failure. The content must not change meanwhile.
  core::result<void> send_file(int file, std::uint64_t offset, std::uint64_t length,
                               deadline until);

  [[nodiscard]] const peer_identity& peer() const noexcept { return peer_; }
  /// For poll(2); do not read or write.
  [[nodiscard]] int fd() const noexcept { return bytes_.fd(); }
  /// Makes waiting and later calls fail at once, from any thread, while the stream lives.
  void interrupt() noexcept;
  /// Gives the parts away, for a scribe of CAF's; the stream is empty afterwards.
  released_stream release() noexcept;

private:
  core::result<void> wait(progress why, deadline until);
  core::error broken(const transfer& how) const;

  transport bytes_;
  peer_identity peer_;
};

/// A stream and what its other end said of itself.
struct connection {
  stream bytes;
  hello peer;
  /// Of this connection alone, known to its two ends; empty on the bulk plane.
  core::session_ticket ticket;
};

/// What poll(2) shall be told so that it does not wait much longer than until then: milliseconds,
/// rounded up; 0 when the moment has passed.
int poll_timeout(deadline until, deadline now);

/// Waits until `fd` can be read (or written, or is broken). @returns whether the deadline held.
bool wait_for(int fd, bool to_write, deadline until);

} // namespace maze::io
