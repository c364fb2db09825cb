#pragma once

#include "maze/core/digest.hpp"

namespace maze::core {

/// What the accepting side of a connection gives to the other side, and to nobody else: 128 random bits. Whoever shows them
/// is at the other end of that connection, or was told by who is. A secret: never logged.
struct session_ticket {
  digest bits;

  /// No connection has this one.
  [[nodiscard]] bool empty() const noexcept { return (bits.high | bits.low) == 0; }

  /// Takes as long for any two, so that nobody can guess one bit by bit.
  friend bool operator==(const session_ticket& a, const session_ticket& b) noexcept {
    return ((a.bits.high ^ b.bits.high) | (a.bits.low ^ b.bits.low)) == 0;
  }
  template <class Inspector>
  friend auto inspect(Inspector& f, session_ticket& x) {
    return f(x.bits);
  }
};

} // namespace maze::core
