#include "node/function_listing.hpp"

#include "maze/core/descriptor.hpp"
#include "maze/core/printable.hpp"
#include "maze/io/hash.hpp"
#include "maze/io/json.hpp"
#include "node/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace maze::node {

namespace {

using nlohmann::ordered_json;

std::string default_text(const core::value& x) { return io::to_json(x).value_or("?"); }

std::string parameter_text(const core::parameter& x) {
  std::string out = x.name;
  if (x.type != "any")
    out += ": " + x.type;
  if (x.default_value)
    out += " = " + default_text(*x.default_value);
  return out;
}

core::task_action action_of(const found_library& library,
                            const core::function_signature& function) {
  if (library.python)
    return core::python_action{core::python_source::file, library.name, function.name};
  return core::function_action{library.name, function.name};
}

/// Of code and name together.
core::digest hash_of(const found_library& library, const core::function_signature& function) {
  std::string call =
      core::descriptor(action_of(library, function), {{library.name, {library.hash, 0}}});
  if (library.python)
    call += core::to_string(library.hash);
  return io::hash_bytes(call);
}

/// Columns of a description in a table, and of a signature.
constexpr std::size_t width_max = 72;

std::string cut(std::string text) {
  if (text.size() <= width_max)
    return text;
  text.resize(width_max);
  // Never within a character of UTF-8.
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
    text.pop_back();
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0)
    text.pop_back();
  return text + "…";
}

std::string first_line(const std::string& text) { return cut(text.substr(0, text.find('\n'))); }

/// How a workflow beside the file, or above it, names it; empty where it cannot.
std::string task_path(const std::string& path) {
  const auto clean = std::filesystem::path(path).lexically_normal().native();
  return clean.starts_with("/") || clean.starts_with("..") ? "" : clean;
}

ordered_json json_of(const found_library& library, const core::function_signature& x) {
  auto parameters = ordered_json::array();
  for (const core::parameter& each : x.parameters) {
    ordered_json one{{"name", each.name}, {"type", each.type}};
    if (each.default_value) {
      const auto text = io::to_json(*each.default_value);
      // There may be one that JSON has no word for.
      one["default"] = text ? ordered_json::parse(*text) : ordered_json(nullptr);
    }
    parameters.push_back(std::move(one));
  }
  ordered_json out{{"function", x.name},
                   {"call", full_name(library, x)},
                   {"hash", core::to_string(hash_of(library, x))},
                   {"description", x.description},
                   {"parameters", std::move(parameters)},
                   {"result", x.result}};
  if (x.needs)
    out["needs"] = {{"cpus", x.needs->cpu_millis / 1000.0},
                    {"memory", x.needs->memory.value},
                    {"gpus", x.needs->gpus}};
  if (!x.about.empty())
    out["about"] = x.about;
  return out;
}

ordered_json json_of(const found_library& x) {
  auto functions = ordered_json::array();
  for (const core::function_signature& each : x.description.functions)
    functions.push_back(json_of(x, each));
  ordered_json out{{"library", x.name},
                   {"path", x.path},
                   {"kind", x.python ? "python" : "library"},
                   {"version", x.description.version}};
  if (!x.python)
    out["compiler"] = x.description.compiler;
  out["hash"] = core::to_string(x.hash);
  out["functions"] = std::move(functions);
  return out;
}

} // namespace

std::string full_name(const found_library& library, const core::function_signature& function) {
  return core::call_site(action_of(library, function));
}

std::string signature_text(const core::function_signature& function) {
  std::string out = function.name + "(";
  for (const core::parameter& each : function.parameters) {
    if (&each != &function.parameters.front())
      out += ", ";
    out += parameter_text(each);
  }
  out += ")";
  if (function.result != "any")
    out += " -> " + function.result;
  return out;
}

std::string show(const std::vector<found_library>& libraries, const print_form& as) {
  if (as.form == output_form::json) {
    auto all = ordered_json::array();
    for (const found_library& each : libraries)
      all.push_back(json_of(each));
    return ordered_json{{"libraries", std::move(all)}}.dump(
               -1, ' ', false, nlohmann::json::error_handler_t::replace)
           + "\n";
  }
  std::vector<std::vector<cell>> rows;
  for (const found_library& library : libraries)
    for (const core::function_signature& each : library.description.functions) {
      const std::string text = signature_text(each);
      rows.push_back({{full_name(library, each), style::strong},
                      {cut(text.substr(each.name.size()))},
                      {first_line(each.description), style::dim}});
    }
  return render_table({"FUNCTION", "SIGNATURE", "DESCRIPTION"}, rows, as.color);
}

std::string show_function(const found_library& library, const core::function_signature& function,
                          bool color) {
  std::string out = paint(full_name(library, function), style::strong, color)
                    + core::printable(signature_text(function).substr(function.name.size())) + "\n";
  const auto add = [&out](std::string_view name, const std::string& text) {
    if (!text.empty())
      out += fmt::format("  {:<12} {}\n", name, core::printable(text));
  };
  for (std::size_t at = 0; at < function.description.size();) {
    const auto end = std::min(function.description.find('\n', at), function.description.size());
    add(at == 0 ? "description" : "", function.description.substr(at, end - at));
    at = end + 1;
  }
  for (const core::parameter& each : function.parameters)
    add(&each == &function.parameters.front() ? "parameters" : "", parameter_text(each));
  add("returns", function.result);
  if (function.needs)
    add("needs",
        core::to_string(*function.needs) + (library.python ? "; a task must say so itself" : ""));
  bool first = true;
  for (const auto& [key, value] : function.about) {
    add(first ? "about" : "", fmt::format("{}: {}", key, value));
    first = false;
  }
  add(library.python ? "file" : "library", library.path);
  if (library.python) {
    add("python", library.description.version);
  } else {
    add("version", library.description.version);
    add("built with", library.description.compiler);
  }
  if (!library.python)
    add("in a task", "function: " + full_name(library, function));
  else if (const auto path = task_path(library.path); !path.empty())
    add("in a task", fmt::format("python: \"{}:{}\"", path, function.name));
  else
    add("in a task", "below the folder of a workflow: python: \"<path>:" + function.name + "\"");
  return out;
}

} // namespace maze::node
