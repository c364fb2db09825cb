#include "gateway/text_parts.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace maze::gateway {

std::size_t unfinished(std::string_view text) noexcept {
  for (std::size_t back = 1; back <= std::min<std::size_t>(text.size(), 3); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80)
      continue;
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

void shorten(nlohmann::ordered_json& x, std::uint64_t most) {
  if (x.is_string()) {
    auto& text = x.get_ref<std::string&>();
    if (text.size() <= most)
      return;
    std::size_t kept = most - unfinished(std::string_view(text).substr(0, most));
    text = fmt::format("{}… [{} bytes more]", std::string_view(text).substr(0, kept),
                       text.size() - kept);
  } else if (x.is_structured()) {
    for (auto& each : x)
      shorten(each, most);
  }
}

} // namespace maze::gateway
