#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maze::io {

/// Why a connection was not let in.
enum class refusal : std::uint8_t {
  /// All places for handshakes are taken, or a peer with fewer of them needed this one.
  too_many = 0,
  /// One peer has more connections in handshake than it may.
  too_many_from_peer = 1,
  timed_out = 2,
  /// The peer closed or broke the connection before the end of the handshake.
  hung_up = 3,
  /// A UNIX socket's peer is neither this user nor root.
  wrong_user = 4,
  /// Something that is not TLS 1.3.
  not_tls = 5,
  /// None, expired, of another cluster, or ours was refused by the peer.
  certificate = 6,
  /// No hello of maze's form.
  not_maze = 7,
  /// Another protocol fingerprint.
  protocol = 8,
  cluster = 9,
  /// Role or name are not those of the certificate, or not those that were expected.
  identity = 10,
  /// This node does not serve that plane.
  plane = 11,
  /// This node could not go on: memory, a system call.
  internal = 12,
};
inline constexpr std::size_t refusal_kinds = 13;

/// The enumerator's name, for metrics and logs.
std::string_view to_string(refusal x) noexcept;

using refusal_counts = std::array<std::uint64_t, refusal_kinds>;

/// Counts refused connections by reason, and makes of them a bounded number of lines for the log: a
/// bucket of `burst` tokens, one more each `interval`.
///
/// @note `counts` is thread-safe; the rest belongs to one thread.
class refusal_log {
public:
  using time = std::chrono::steady_clock::time_point;

  explicit refusal_log(std::uint32_t burst = 8,
                       std::chrono::nanoseconds interval = std::chrono::seconds(1))
      : burst_(burst), interval_(interval), tokens_(burst) {}

  /// Counts one refusal. @returns the line for the log, unless it is held back.
  std::optional<std::string> note(refusal why, std::string_view peer, std::string_view text,
                                  time now);
  /// Once a token is there again: a line that tells how many were held back, if any were.
  std::optional<std::string> summary(time now);
  /// When `summary` will have something to say.
  [[nodiscard]] std::optional<time> next_summary() const;
  [[nodiscard]] refusal_counts counts() const noexcept;

private:
  bool take_token(time now);

  std::uint32_t burst_;
  std::chrono::nanoseconds interval_;
  std::uint32_t tokens_;
  /// When the newest token came, or began to be waited for.
  std::optional<time> filled_;
  std::uint64_t held_back_ = 0;
  std::array<std::atomic<std::uint64_t>, refusal_kinds> counts_{};
};

} // namespace maze::io
