#pragma once

#include <cstdio>
#include <cstdlib>

namespace maze::core {

/// Ends the process with `rule` on standard error when `holds` is false: for what only a defect of
/// maze itself can break, never for input.
inline void ensure(bool holds, const char* rule) noexcept {
  if (holds)
    return;
  std::fprintf(stderr, "maze: broken invariant: %s\n", rule);
  std::abort();
}

} // namespace maze::core
