// Whatever text parses to a value, the value's own text parses to the same value, in both styles.
#include "maze/core/utf8.hpp"
#include "maze/io/json.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using maze::io::json_style;

namespace {

void check_refusal(const maze::core::error& what) {
  if (what.message.empty() || !maze::core::is_utf8(what.message))
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto x = maze::io::parse_json(text);
  if (!x) {
    check_refusal(x.error());
    return 0;
  }
  // Encoded values are compared: NaN equals nothing, and 0.0 equals -0.0.
  const auto encoded = maze::core::encode(*x);
  for (const auto style : {json_style::compact, json_style::indented}) {
    const auto own = maze::io::to_json(*x, style);
    const auto again = own ? maze::io::parse_json(*own) : x;
    if (!encoded || !own || !again || maze::core::encode(*again) != encoded)
      std::abort();
  }
  return 0;
}
