#include "maze/core/cluster_messages.hpp"
#include "maze/core/link_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace maze::core;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

/// Foreign bytes are refused, or are exactly the bytes that the decoded message or batch encodes to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto down = decode_to_node(bytes))
    require(encode_to_node(*down) == bytes);
  if (const auto up = decode_to_master(bytes))
    require(encode_to_master(*up) == bytes);
  if (const auto count = check_batch(bytes)) {
    std::string again;
    std::uint64_t seen = 0;
    for_each_item(bytes, [&](std::string_view item) {
      append_item(again, item);
      ++seen;
    });
    require(again == bytes && seen == *count);
  }
  return 0;
}
