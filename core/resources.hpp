#pragma once

#include "maze/core/units.hpp"

#include <cstdint>

namespace maze::core {

/// What a task asks for or a node has: thousandths of a core, bytes of memory, whole GPUs.
struct resources {
  std::uint32_t cpu_millis = 0;
  byte_count memory;
  std::uint32_t gpus = 0;

  friend bool operator==(const resources&, const resources&) = default;

  /// Whether `ask` fits into what is left here.
  [[nodiscard]] bool fits(const resources& ask) const noexcept {
    return ask.cpu_millis <= cpu_millis && ask.memory <= memory && ask.gpus <= gpus;
  }
  /// @pre fits(ask)
  void take(const resources& ask) noexcept {
    cpu_millis -= ask.cpu_millis;
    memory.value -= ask.memory.value;
    gpus -= ask.gpus;
  }
  /// Undoes one `take`.
  void give_back(const resources& ask) noexcept {
    cpu_millis += ask.cpu_millis;
    memory.value += ask.memory.value;
    gpus += ask.gpus;
  }

  template <class Inspector>
  friend auto inspect(Inspector& f, resources& x) {
    return f(x.cpu_millis, x.memory, x.gpus);
  }
};

/// `2 cores, 512MB, 1 GPU`, with only the parts that are not zero; `nothing` for none.
std::string to_string(const resources& x);

} // namespace maze::core
