#pragma once

#include "maze/core/result.hpp"
#include "maze/io/credentials.hpp"
#include "maze/io/identity.hpp"
#include "maze/io/openssl.hpp"

#include <cstdint>
#include <string>

namespace maze::io {

enum class tls_side : std::uint8_t { accepts = 1, connects = 2 };

/// Makes TLS sessions that show a node's credentials: TLS 1.3 only, both sides must present a
/// certificate that the cluster's authority signed, no tickets, no early data.
///
/// @note Movable; `session` may be called from several threads at once.
class tls_context {
public:
  /// Fails with `malformed` when the credentials do not belong together.
  static core::result<tls_context> make(const credentials& own);

  /// A session over the socket `fd`, which it does not own and which must outlive it. `fault`, which
  /// must live until `forget_fault`, receives one sentence when the peer's certificate is refused.
  [[nodiscard]] core::result<ssl_ptr> session(int fd, tls_side side, std::string* fault) const;
  static void forget_fault(SSL& session) noexcept;

  [[nodiscard]] const node_identity& self() const noexcept { return own_.self; }
  /// Fails with `stale` when the own certificate does not count at `now`.
  [[nodiscard]] core::result<void> check_time(wall_time now) const {
    return check_validity(own_, now);
  }

private:
  tls_context(ssl_ctx_ptr context, credentials own)
      : context_(std::move(context)), own_(std::move(own)) {}

  ssl_ctx_ptr context_;
  /// Without the key: OpenSSL has it.
  credentials own_;
};

/// Who the peer's certificate says it is and what it may, once the handshake has verified it. Fails with
/// `permission_denied`.
core::result<certified_identity> peer_of(const SSL& session);

/// Why a handshake failed.
struct tls_fault {
  /// Whether a certificate was the reason, ours or theirs; else the peer spoke something else.
  bool certificate = false;
  /// One sentence about the peer, for example `its certificate is of another cluster`.
  std::string text;
};

/// Reads and empties this thread's queue of OpenSSL errors; `refused` is what `session` gathered.
tls_fault explain_tls_failure(const std::string& refused);

} // namespace maze::io
