// Bytes that claim to be a manifest are refused, or come back as they were and stay valid.
#include "maze/core/manifest.hpp"

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
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = core::decode_manifest(bytes);
  if (whole) {
    require(core::encode_manifest(*whole) == bytes);
    require(core::check_file_map(*whole).has_value());
    require(core::apply(*whole, {.written = *whole}) == *whole);
  }
  // Two manifests in one input, cut where the first byte says.
  if (size < 2)
    return 0;
  const auto cut = 1 + data[0] % (size - 1);
  const auto base = core::decode_manifest(bytes.substr(1, cut - 1));
  const auto written = core::decode_manifest(bytes.substr(cut));
  if (!base || !written)
    return 0;
  core::manifest_delta delta{.written = *written};
  for (const auto& [path, entry] : *base)
    if (entry.mode % 2 == 0)
      delta.removed.push_back(path.substr(0, path.find('/')));
  const auto after = core::apply(*base, delta);
  require(core::check_file_map(after).has_value());
  for (const auto& [path, entry] : *written)
    require(after.find(path) != after.end() && after.find(path)->second == entry);
  return 0;
}
