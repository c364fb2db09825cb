#include "maze/core/task_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace maze::core {

namespace {

constexpr std::string_view phase_name = "resolve";

constexpr std::array<std::string_view, 10> type_names{"null", "bool",  "int",  "float", "string",
                                                      "path", "bytes", "list", "dict",  "any"};

/// `string` for a blob that decodes to text, and so on: what the reader of an error expects.
std::string shown_type(const value& x) {
  const auto* blob = x.as<blob_ref>();
  return blob ? fmt::format("a blob of {}", blob->type) : std::string(type_name(x));
}

/// Evaluates the expressions of one task against what its ancestors gave.
class evaluator {
public:
  explicit evaluator(const output_map& outputs) : outputs_(outputs) {}

  /// `place` names the parameter or word for errors, and the element inside lists.
  result<value> evaluate(const input_expression& x, const std::string& place) const {
    if (const auto* literal = std::get_if<value>(&x.source))
      return *literal;
    if (const auto* ref = std::get_if<reference>(&x.source))
      return follow(*ref, place);
    list out;
    for (const auto& item : std::get<input_list>(x.source)) {
      auto element = evaluate(item, fmt::format("{}[{}]", place, out.size()));
      if (!element)
        return element;
      out.push_back(std::move(*element));
    }
    return value(std::move(out));
  }

private:
  result<value> follow(const reference& ref, const std::string& place) const {
    const auto output = outputs_.find(ref.task);
    auto found = output == outputs_.end() ? tl::make_unexpected(unknown_task(ref))
                                          : resolve(ref, output->second);
    if (!found)
      return fail(errc::input_missing, place + ": " + found.error().message,
                  std::string(phase_name));
    return std::move(*found);
  }

  const output_map& outputs_;
};

result<value> value_of(const task_spec& spec, const parameter& wanted, const context_map& context,
                       const evaluator& evaluate) {
  const auto place = fmt::format("task `{}`, parameter `{}`", spec.name, wanted.name);
  if (const auto input = spec.inputs.find(wanted.name); input != spec.inputs.end())
    return evaluate.evaluate(input->second, place);
  if (const auto entry = context.find(wanted.name); entry != context.end())
    return entry->second.content;
  if (wanted.default_value)
    return *wanted.default_value;
  return fail(errc::input_missing,
              fmt::format("{} has no value: it is not among the task's inputs, the context has no "
                          "entry `{}`, and it has no default",
                          place, wanted.name),
              std::string(phase_name));
}

result<void> check_type(const task_spec& spec, const parameter& wanted, const value& x) {
  if (type_accepts(wanted.type, x))
    return {};
  return fail(errc::invalid_payload,
              fmt::format("task `{}`, parameter `{}`: expected {}, got {}", spec.name, wanted.name,
                          wanted.type, shown_type(x)),
              std::string(phase_name));
}

/// Where a word comes from, for errors; empty for literals.
std::string word_source(const command_word& word) {
  if (const auto* from = std::get_if<parameter_word>(&word))
    return fmt::format(" (parameter `{}`)", from->name);
  const auto* ref = std::get_if<reference>(&std::get<input_expression>(word).source);
  return ref ? fmt::format(" (`{}`)", to_string(*ref)) : std::string();
}

/// How a task gets what no command word can hold.
std::string other_way(const command_word& word) {
  if (const auto* from = std::get_if<parameter_word>(&word))
    return fmt::format("leave the word out and read the variable MAZE_INPUT_{}, which holds the "
                       "value as JSON",
                       from->name);
  return "give it to a parameter under `inputs` and read the variable MAZE_INPUT_<name>, which "
         "holds the value as JSON";
}

result<value> value_of_word(const command_word& word, const resolved_call& call,
                            const evaluator& evaluate, const std::string& place) {
  if (const auto* expression = std::get_if<input_expression>(&word))
    return evaluate.evaluate(*expression, place);
  const auto& name = std::get<parameter_word>(word).name;
  const auto argument = call.arguments.find(name);
  if (argument == call.arguments.end())
    return fail(errc::invalid_payload,
                fmt::format("{}: the task has no parameter `{}`", place, name),
                std::string(phase_name));
  return argument->second;
}

result<void> fill_argv(const task_spec& spec, const command_action& command,
                       const evaluator& evaluate, resolved_call& call) {
  for (const auto& word : command.argv) {
    const auto place = fmt::format("task `{}`, command word {}{}", spec.name, call.argv.size() + 1,
                                   word_source(word));
    const auto x = value_of_word(word, call, evaluate, place);
    if (!x)
      return fail(x.error());
    auto text = word_text(*x);
    if (!text)
      return fail(text.error().code,
                  fmt::format("{}: {}; {}", place, text.error().message,
                              x->is<std::string>() ? "take it out" : other_way(word)),
                  text.error().origin);
    call.argv.push_back(std::move(*text));
  }
  return {};
}

} // namespace

const output_spec* task_output::find(std::string_view key) const noexcept {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [key](const auto& x) { return x.key == key; });
  return found == keys.end() ? nullptr : &*found;
}

std::span<const std::string_view> command_part_types(std::string_view part) noexcept {
  static constexpr std::array<std::string_view, 2> of_number{"int", "any"};
  static constexpr std::array<std::string_view, 3> of_stream{"string", "bytes", "any"};
  if (part == command_parts[0])
    return of_number;
  if (part == command_parts[1] || part == command_parts[2])
    return of_stream;
  return {};
}

bool command_part_accepts(std::string_view part, std::string_view type) noexcept {
  const auto types = command_part_types(part);
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::vector<std::string> referenced_tasks(const task_spec& spec) {
  std::set<std::string> names;
  for_each_reference(spec, [&names](const reference& x) { names.insert(x.task); });
  return {names.begin(), names.end()};
}

bool is_type_name(std::string_view name) noexcept {
  return std::find(type_names.begin(), type_names.end(), name) != type_names.end();
}

bool type_accepts(std::string_view type, const value& x) noexcept {
  if (type == "any")
    return true;
  if (const auto* blob = x.as<blob_ref>()) {
    // What a blob of `value` holds shows only when it is loaded.
    return blob->type == type || blob->type == "value"
           || (type == "path" && blob->type == "string");
  }
  const auto actual = type_name(x);
  return actual == type || (type == "float" && actual == "int")
         || (type == "path" && actual == "string");
}

result<resolved_call> resolve_call(const task_spec& spec, const context_map& context,
                                   const output_map& outputs) {
  const evaluator evaluate(outputs);
  resolved_call call;
  for (const auto& wanted : spec.parameters) {
    auto argument = value_of(spec, wanted, context, evaluate);
    if (!argument)
      return fail(std::move(argument.error()));
    if (auto checked = check_type(spec, wanted, *argument); !checked)
      return fail(std::move(checked.error()));
    call.arguments.insert_or_assign(wanted.name, std::move(*argument));
  }
  if (const auto* command = std::get_if<command_action>(&spec.action))
    if (auto filled = fill_argv(spec, *command, evaluate, call); !filled)
      return fail(std::move(filled.error()));
  return call;
}

result<std::string> word_text(const value& x) {
  if (const auto* text = x.as<std::string>()) {
    if (text->find('\0') != std::string::npos)
      return fail(errc::invalid_payload, "text with a NUL byte cannot be given to a program",
                  std::string(phase_name));
    return *text;
  }
  if (const auto* truth = x.as<bool>())
    return *truth ? "true" : "false";
  if (const auto* number = x.as<std::int64_t>())
    return std::to_string(*number);
  if (const auto* number = x.as<double>())
    return real_text(*number);
  return fail(errc::invalid_payload,
              fmt::format("expected text, a number or a truth value, got {}", shown_type(x)),
              std::string(phase_name));
}

bool is_function(const task_spec& spec) noexcept {
  return std::holds_alternative<function_action>(spec.action)
         || std::holds_alternative<python_action>(spec.action);
}

} // namespace maze::core
