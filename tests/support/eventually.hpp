#pragma once

#include <chrono>
#include <poll.h>

namespace maze::test {

/// Asks until `holds` says so; false where it never does within any time a test should take.
template <class Condition>
bool eventually(Condition holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until)
      return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

} // namespace maze::test
