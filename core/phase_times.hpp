#pragma once

#include "maze/core/task_state.hpp"
#include "maze/core/units.hpp"

#include <array>
#include <cstddef>

namespace maze::core {

/// When an attempt was in which phase, from the moment that its order came to the node, by the node's
/// steady clock. Between two phases it waits: for a slot's child to end, say.
struct phase_times {
  struct span {
    duration began{};
    /// Zero as long as it lasts, and where the attempt never came so far.
    duration ended{};

    friend bool operator==(const span&, const span&) = default;
    template <class Inspector>
    friend auto inspect(Inspector& f, span& x) {
      return f(x.began, x.ended);
    }
  };
  std::array<span, 4> spans{};

  span& at(phase x) { return spans[static_cast<std::size_t>(x) - 1]; }
  [[nodiscard]] const span& at(phase x) const { return spans[static_cast<std::size_t>(x) - 1]; }

  friend bool operator==(const phase_times&, const phase_times&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, phase_times& x) {
    return f(x.spans);
  }
};

} // namespace maze::core
