#pragma once

#include "maze/core/call_frames.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace maze::host {

/// Replies that have not been written yet, kept such that a signal handler can write them.
///
/// @note One thread adds; `flush` may be called by a handler that interrupts it.
class reply_buffer {
public:
  /// Writes to `fd`, which stays open.
  explicit reply_buffer(int fd);

  /// Adds the reply to a call. What would make the message too large becomes a failure of its call.
  void add(std::uint64_t number, core::call_outcome outcome, std::string_view payload);
  /// Time that was spent inside functions.
  void spent(std::chrono::nanoseconds busy) noexcept {
    busy_ns_ += static_cast<std::uint64_t>(busy.count());
  }
  /// Bytes of payloads that wait.
  [[nodiscard]] std::size_t waiting() const noexcept { return payloads_.size(); }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  /// Writes one message of all that waits; blocks until the other side took it. False where nobody can take it any
  /// more. Calls nothing but write and sendmsg, so a signal handler may call it: there it writes
  /// nothing if it interrupted `add` or itself.
  bool flush() noexcept;
  /// As `flush`, even if nothing waits: an answer must be there.
  bool finish() noexcept { return write_all(); }

private:
  bool write_all() noexcept;

  int fd_;
  /// The header, then the table.
  std::string front_;
  std::string payloads_;
  std::uint32_t count_ = 0;
  std::uint64_t busy_ns_ = 0;
  /// A handler must keep away from it.
  volatile bool touched_ = false;
};

/// Writes a message to `fd`, a socket or a file; blocks. False where nobody can take it.
bool write_message(int fd, std::string_view message) noexcept;

} // namespace maze::host
