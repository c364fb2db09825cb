// A join file is refused with a reason that can be shown, or its own text reads back to the same.
#include "maze/core/utf8.hpp"
#include "maze/io/credentials.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace maze;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

/// Source: the libFuzzer manual, "Fuzz target".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = io::parse_join_file({reinterpret_cast<const char*>(data), size});
  if (!read) {
    require(!read.error().message.empty());
    require(core::is_utf8(read.error().message));
    return 0;
  }
  const auto text = to_text(*read);
  const auto again = io::parse_join_file(text);
  require(again.has_value());
  require(again->member.self == read->member.self && again->masters == read->masters);
  require(to_text(*again) == text);
  return 0;
}
