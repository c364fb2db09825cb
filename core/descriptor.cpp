#include "maze/core/descriptor.hpp"

#include "maze/core/codec.hpp"
#include "maze/core/overloaded.hpp"
#include "maze/core/task_codec.hpp"

#include <type_traits>

namespace maze::core {

namespace {

constexpr std::uint8_t descriptor_format = 1;
constexpr std::string_view shell_path = "/bin/sh";

/// The first word of a command, as far as it stands in the workflow.
std::string program_of(const command_action& x) {
  if (x.argv.empty())
    return "?";
  if (const auto* own = std::get_if<parameter_word>(&x.argv.front()))
    return "$" + own->name;
  const auto& source = std::get<input_expression>(x.argv.front()).source;
  if (const auto* literal = std::get_if<value>(&source))
    return word_text(*literal).value_or("?");
  const auto* other = std::get_if<reference>(&source);
  return other == nullptr ? "?" : to_string(*other);
}

/// Where the Python code lies.
std::string source_of(const python_action& x) {
  switch (x.source) {
  case python_source::file:
    return x.text;
  case python_source::code:
    return "code";
  case python_source::pickle:
    return "pickle";
  }
  return {};
}

std::string last_part(std::string path) {
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  const auto slash = path.rfind('/');
  return slash == std::string::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

} // namespace

action_kind kind_of(const task_action& x) noexcept {
  return static_cast<action_kind>(x.index() + 1);
}

std::string_view to_string(action_kind x) noexcept {
  switch (x) {
  case action_kind::command:
    return "command";
  case action_kind::shell:
    return "shell";
  case action_kind::library_function:
    return "function";
  case action_kind::python_function:
    return "python";
  }
  return "?";
}

std::string call_site(const task_action& x) {
  return std::visit(
      overloaded{[](const command_action& one) { return program_of(one); },
                 [](const shell_action&) { return std::string(shell_path); },
                 [](const function_action& one) { return one.library + "." + one.function; },
                 [](const python_action& one) {
                   return one.entry.empty() ? source_of(one) : source_of(one) + ":" + one.entry;
                 }},
      x);
}

std::string call_string(const task_action& x) {
  return std::visit(
      overloaded{
          [](const command_action& one) { return last_part(program_of(one)); },
          [](const shell_action&) { return last_part(std::string(shell_path)); },
          [](const function_action& one) { return one.function; },
          [](const python_action& one) { return one.entry.empty() ? source_of(one) : one.entry; }},
      x);
}

std::string default_task_name(const task_action& x) { return call_string(x) + "()"; }

std::string descriptor(const task_action& x, const library_refs& libraries) {
  binary_writer out;
  out.byte(descriptor_format);
  out(x);
  if (const auto* function = std::get_if<function_action>(&x))
    if (const auto library = libraries.find(function->library); library != libraries.end())
      out(library->second.hash);
  return std::move(out).bytes();
}

} // namespace maze::core
