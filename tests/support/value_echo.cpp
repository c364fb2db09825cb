/// Says what the C++ codec makes of encoded values, so that other codecs can be held against it.
///
///     maze-value-echo [--json]
///
/// Reads values on standard input, each behind its length in 4 bytes, least significant first, and answers each with
/// one byte, a length and as many bytes: `+` and the value encoded again, or its JSON text; `-` and why not.
#include "maze/core/value.hpp"
#include "maze/io/json.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace maze;

/// The length that stands next on standard input; false at its end.
bool read_length(std::uint32_t& out) {
  std::array<unsigned char, 4> bytes{};
  if (std::fread(bytes.data(), 1, bytes.size(), stdin) != bytes.size())
    return false;
  out = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    out = out << 8 | bytes[i];
  return true;
}

void answer(char sign, std::string_view text) {
  std::string out(1, sign);
  for (std::size_t i = 0; i < 4; ++i)
    out += static_cast<char>(static_cast<unsigned char>(text.size() >> (8 * i)));
  out += text;
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

core::result<std::string> echo(std::string_view encoded, bool json) {
  auto x = core::decode(encoded);
  if (!x)
    return core::fail(x.error());
  return json ? io::to_json(*x) : core::encode(*x);
}

} // namespace

int main(int argc, char** argv) {
  const bool json = argc > 1 && std::string_view(argv[1]) == "--json";
  std::uint32_t length = 0;
  while (read_length(length)) {
    std::string encoded(length, '\0');
    if (std::fread(encoded.data(), 1, length, stdin) != length)
      return 1;
    const auto out = echo(encoded, json);
    out ? answer('+', *out) : answer('-', out.error().message);
  }
  return 0;
}
