#include "gateway/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::gateway {

namespace {

std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\')
      ++i;
    else if (c == '"')
      in_text = !in_text;
    else if (!in_text && (c == '[' || c == '{'))
      deepest = std::max(deepest, ++depth);
    else if (!in_text && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return deepest;
}

} // namespace

core::result<nlohmann::json> read_json(std::string_view text) {
  if (depth_of(text) > json_depth_max)
    return core::fail(core::errc::limit_exceeded,
                      fmt::format("the JSON is nested more than {} deep", json_depth_max),
                      "gateway");
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& fault) {
    return core::fail(core::errc::malformed,
                      fault.byte > text.size() ? "this is no JSON: it ends too early"
                                               : fmt::format("this is no JSON: see byte {} of {}",
                                                             fault.byte, text.size()),
                      "gateway");
  } catch (const nlohmann::json::exception&) {
    return core::fail(core::errc::malformed, "this JSON has a number beyond all bounds", "gateway");
  }
}

} // namespace maze::gateway
