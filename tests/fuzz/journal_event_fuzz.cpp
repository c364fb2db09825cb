#include "maze/core/journal_event.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Foreign bytes are refused, or are exactly the bytes that the decoded event encodes to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto event = maze::core::decode_journal_event(bytes);
  if (event && maze::core::encode_journal_event(*event) != bytes)
    std::abort();
  return 0;
}
