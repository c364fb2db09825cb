#include "maze/io/value_types.hpp"

#include "maze/core/suggestion.hpp"
#include "maze/core/task_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace maze::io {

namespace {

using namespace std::string_view_literals;

constexpr auto types = std::to_array({"any"sv, "null"sv, "bool"sv, "int"sv, "float"sv, "string"sv,
                                      "path"sv, "bytes"sv, "list"sv, "dict"sv});

constexpr auto other_words = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"object", "dict"},
    {"map", "dict"},
    {"array", "list"},
    {"integer", "int"},
    {"number", "float"},
    {"double", "float"},
    {"boolean", "bool"},
    {"str", "string"},
    {"text", "string"},
    {"file", "path"},
    {"filepath", "path"},
    {"folderpath", "path"},
    {"None", "null"},
});

} // namespace

std::span<const std::string_view> type_names() noexcept { return types; }

bool is_type_name(std::string_view name) noexcept {
  return std::find(types.begin(), types.end(), name) != types.end();
}

std::string type_remedy(std::string_view name) {
  for (const auto& [foreign, ours] : other_words)
    if (foreign == name)
      return fmt::format("did you mean `{}`?", ours);
  return core::did_you_mean(name, types, "the types are");
}

bool fits_type(const core::value& x, std::string_view type) noexcept {
  return core::type_accepts(type, x);
}

bool fits_type(std::string_view actual, std::string_view wanted) noexcept {
  return wanted == "any" || wanted == actual || (wanted == "float" && actual == "int")
         || (wanted == "path" && actual == "string");
}

} // namespace maze::io
