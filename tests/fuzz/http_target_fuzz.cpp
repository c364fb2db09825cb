// Whatever a request asks for: reading it ends in parts that are not empty and hold no zero byte, or in an error; and what was
// read, written with every byte escaped, is read as the same.
#include "maze/io/http_message.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace maze;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = io::parse_target({reinterpret_cast<const char*>(data), size});
  if (!read) {
    require(read.error().code == core::errc::malformed && !read.error().message.empty());
    return 0;
  }
  std::string again = "/";
  for (const std::string& part : read->path) {
    require(!part.empty() && part.find('\0') == std::string::npos);
    again += escaped(part) + "/";
  }
  char before = '?';
  for (const auto& [name, value] : read->query) {
    again += before + escaped(name) + "=" + escaped(value);
    before = '&';
  }
  const auto same = io::parse_target(again);
  require(same && *same == *read);
  return 0;
}
