// Whatever bytes decode to a value, the value encodes to the same bytes.
#include "maze/core/value.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto x = maze::core::decode(bytes);
  if (!x)
    return 0;
  const auto again = maze::core::encode(*x);
  if (!again || *again != bytes)
    std::abort();
  return 0;
}
