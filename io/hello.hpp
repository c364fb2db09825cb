#pragma once

#include "maze/core/result.hpp"
#include "maze/core/session_ticket.hpp"
#include "maze/io/identity.hpp"
#include "maze/io/refusals.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maze::io {

/// What two processes must have in common to understand each other's messages.
struct protocol_fingerprint {
  /// The version of maze, for people: at most 64 bytes count.
  std::string version;
  /// A hash of all registered message types.
  std::uint64_t types = 0;

  friend bool operator==(const protocol_fingerprint&, const protocol_fingerprint&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, protocol_fingerprint& x) {
    return f(x.version, x.types);
  }
};

/// `maze 0.1.0 (message types 00000000000004d2)`.
std::string to_string(const protocol_fingerprint& x);

/// What a connection is for. Values travel on the wire: append only.
enum class plane : std::uint8_t {
  /// Typed messages, which CAF reads and writes.
  control = 1,
  /// Blobs.
  bulk = 2,
};
/// `control`, `bulk`; `unknown` for other numbers.
std::string_view to_string(plane x) noexcept;
bool is_known(plane x) noexcept;

/// The first thing that each side says on an authenticated connection: the connecting side to
/// introduce itself, the accepting side to let it in.
struct hello {
  /// First in the binary form for good: it is compared before anything behind it is read.
  protocol_fingerprint protocol;
  plane purpose = plane::control;
  node_identity who;
  /// Which start of the node's process this is.
  std::uint64_t incarnation = 0;
  /// Where it lets in to the control plane: what the other side shows with what it asks for.
  core::session_ticket ticket{};

  friend bool operator==(const hello&, const hello&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, hello& x) {
    return f(x.protocol, x.purpose, x.who, x.incarnation, x.ticket);
  }
};

/// Which kind of frame; see io/README.md.
enum class hello_kind : std::uint8_t { introduces = 1, accepts = 2, refuses = 3 };
bool is_known(hello_kind x) noexcept;

inline constexpr std::size_t hello_header_size = 8;
/// Longest body, in bytes.
inline constexpr std::size_t hello_body_max = 4096 - hello_header_size;

struct hello_header {
  hello_kind kind = hello_kind::introduces;
  /// Bytes that follow, at most `hello_body_max`.
  std::size_t length = 0;
};

/// Whole frames.
std::string encode_hello(const hello& x, hello_kind kind);
std::string encode_refusal(const core::error& why);

/// A fresh ticket, from the system's generator. Fails with `io_error`.
core::result<core::session_ticket> make_ticket();

/// Reads exactly `hello_header_size` bytes. Fails with `malformed`: no maze node, or too long.
core::result<hello_header> decode_header(std::string_view bytes);
/// The reason in a frame that refuses, cut to 1 KiB and made printable. Fails with `malformed`.
core::result<core::error> decode_refusal(std::string_view body);

/// Why a hello is not good enough: for counters, and for the peer.
struct hello_fault {
  refusal why = refusal::not_maze;
  core::error what;
};

/// What a hello is held against.
struct hello_rules {
  const hello& own;
  /// Whom the certificate names; nothing on a UNIX socket, where the user's id vouches.
  std::optional<node_identity> certified;
  /// The planes that are served, or that was asked for.
  bool control = true;
  bool bulk = true;
};

/// The hello in a frame's body if it keeps to the rules, in this order: fingerprint (both versions
/// are in the error), form, cluster, certificate, plane.
tl::expected<hello, hello_fault> judge_hello(std::string_view body, const hello_rules& rules);

} // namespace maze::io
