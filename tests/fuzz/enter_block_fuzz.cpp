// Whatever comes: what is read is written the same way.
#include "maze/sandbox/enter_block.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace maze::sandbox::enter;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto x = decode(bytes); x && encode(*x).substr(block_head_size) != bytes)
    std::abort();
  if (const auto x = decode_report(bytes); x && encode(*x) != bytes)
    std::abort();
  return 0;
}
