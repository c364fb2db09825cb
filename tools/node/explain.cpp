#include "maze/core/printable.hpp"
#include "node/options.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace maze::node {

std::string explain(const options& what) {
  if (what.values.output == output_form::json) {
    auto out = nlohmann::ordered_json::object();
    for (const auto& [key, text, origin] : what.effective)
      out[key] = {{"value", text}, {"origin", origin}};
    return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  std::size_t key_width = 0;
  std::size_t text_width = 0;
  const auto shown = [](const std::string& text) {
    return text.empty() ? std::string("-") : core::printable(text);
  };
  for (const auto& [key, text, origin] : what.effective) {
    key_width = std::max(key_width, key.size());
    text_width = std::max(text_width, shown(text).size());
  }
  std::string out;
  for (const auto& [key, text, origin] : what.effective)
    out += fmt::format("{:{}}  {:{}}  {}\n", key, key_width, shown(text), text_width, origin);
  return out;
}

} // namespace maze::node
