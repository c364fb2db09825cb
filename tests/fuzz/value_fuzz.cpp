// Whatever bytes decode to a value, the value encodes to the same bytes, at once and piece by piece; and
// reading piece by piece accepts the same bytes.
#include "maze/core/misfit.hpp"
#include "maze/core/value.hpp"
#include "maze/core/value_source.hpp"
#include "maze/core/value_target.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace maze::core;

bool accepts(std::string_view bytes) {
  try {
    value_source in(bytes);
    in.skip();
    in.finish();
    return true;
  } catch (const maze::misfit&) {
    return false;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto x = decode(bytes);
  if (x.has_value() != accepts(bytes))
    std::abort();
  if (!x)
    return 0;
  const auto again = encode(*x);
  value_target pieces;
  pieces.any(*x);
  if (!again || *again != bytes || pieces.bytes() != bytes)
    std::abort();
  return 0;
}
