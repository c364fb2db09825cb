// Has another function where it is loaded by a child without a network than elsewhere.
#include "maze/core/task.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace {

bool has_network() {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made >= 0)
    ::close(made);
  return made >= 0;
}

[[maybe_unused]] const auto registered = maze::add_task(
    has_network() ? "open" : "sealed", [] { return true; }, "True.");

} // namespace
