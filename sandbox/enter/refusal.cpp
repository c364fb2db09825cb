#include "maze/sandbox/enter/refusal.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>

namespace maze::sandbox::enter {

int refuse(const char* step) {
  const std::string text = std::string("maze-enter: ") + step + ": " + std::strerror(errno) + '\n';
  static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()));
  return refused;
}

} // namespace maze::sandbox::enter
