#pragma once

#include "maze/core/digest.hpp"

#include <compare>
#include <cstdint>

namespace maze::core {

/// One blob as others name it: what it hashes to, and how long it is.
struct blob_id {
  digest hash;
  /// Bytes.
  std::uint64_t size = 0;

  friend auto operator<=>(const blob_id&, const blob_id&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, blob_id& x) {
    return f(x.hash, x.size);
  }
};

} // namespace maze::core
