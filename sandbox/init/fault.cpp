#include "maze/sandbox/init/fault.hpp"

#ifdef MAZE_INJECT_FAULTS

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace maze::sandbox::init {

failure injected(protocol::stage done) noexcept {
  const char* const wanted = std::getenv("MAZE_FAULT");
  if (wanted == nullptr || protocol::to_string(done) != wanted)
    return {};
  return {done, EIO, "a fault of a test"};
}

} // namespace maze::sandbox::init

#endif
