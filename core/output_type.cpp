#include "maze/core/output_type.hpp"

namespace maze::core {

namespace {

constexpr std::string_view unknown = "any";

/// A key among the steps, or nothing.
const std::string* key_at(const reference& x, std::size_t depth) noexcept {
  return depth < x.path.size() ? std::get_if<std::string>(&x.path[depth]) : nullptr;
}

} // namespace

std::string_view command_part_type(std::string_view part, std::string_view declared) noexcept {
  const auto types = command_part_types(part);
  if (declared != unknown || types.empty())
    return declared;
  return types.front() == "string" ? undeclared_stream : types.front();
}

bool type_may_be(std::string_view actual, std::string_view wanted) noexcept {
  const auto is_text = [](std::string_view type) { return type == "string" || type == "path"; };
  if (actual == undeclared_stream)
    return is_text(wanted) || wanted == "bytes" || wanted == unknown;
  return actual == wanted || actual == unknown || wanted == unknown
         || (actual == "int" && wanted == "float") || (is_text(actual) && is_text(wanted));
}

std::string_view output_type(const reference& x, const task_spec& target) noexcept {
  if (x.path.empty())
    return "dict";
  const auto* key = key_at(x, 0);
  const auto* declared = key == nullptr ? nullptr : target.output.find(*key);
  if (declared == nullptr)
    return unknown;
  if (is_function(target))
    return x.path.size() == 1 ? std::string_view(declared->type) : unknown;
  if (target.output.form == output_form::many)
    return x.path.size() == 1 ? command_part_type(*key, declared->type) : unknown;
  if (x.path.size() == 1)
    return "dict";
  const auto* part = key_at(x, 1);
  return part != nullptr && x.path.size() == 2 ? command_part_type(*part) : unknown;
}

} // namespace maze::core
