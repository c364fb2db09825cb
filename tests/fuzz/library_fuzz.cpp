// Whatever bytes describe libraries, the description has the same bytes again.
#include "maze/core/library.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto x = maze::core::decode_library_set(bytes);
  if (x && maze::core::encode_library_set(*x) != bytes)
    std::abort();
  return 0;
}
