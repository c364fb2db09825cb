#pragma once

#include "maze/core/file_report.hpp"
#include "maze/core/node_labels.hpp"
#include "maze/core/permissions.hpp"
#include "maze/core/reference.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/sandbox_parts.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/core/value.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace maze::core {

struct input_expression;
using input_list = std::vector<input_expression>;

/// Where the value of a parameter or of one argument comes from: a literal, another task's output,
/// or a list that mixes both.
struct input_expression {
  std::variant<value, reference, input_list> source;

  friend bool operator==(const input_expression&, const input_expression&) = default;
};

/// One parameter of a task.
struct parameter {
  std::string name;
  /// A type name as in `output_spec::type`; `any` where nothing was declared.
  std::string type = "any";
  std::optional<value> default_value;

  friend bool operator==(const parameter&, const parameter&) = default;
};

/// One word of a command: an expression, or the value of the task's own parameter of that name.
struct parameter_word {
  std::string name;

  friend bool operator==(const parameter_word&, const parameter_word&) = default;
};
using command_word = std::variant<input_expression, parameter_word>;

/// A program and its arguments, started without a shell. Scalars become their text.
struct command_action {
  std::vector<command_word> argv;

  friend bool operator==(const command_action&, const command_action&) = default;
};

/// A script for `/bin/sh -c`.
struct shell_action {
  std::string script;

  friend bool operator==(const shell_action&, const shell_action&) = default;
};

/// A function of one of the run's task libraries, called in a child that has loaded it.
struct function_action {
  /// A name of the run's `libraries`.
  std::string library;
  std::string function;

  friend bool operator==(const function_action&, const function_action&) = default;
};

/// Where the code of a Python function comes from.
enum class python_source : std::uint8_t {
  /// A file of the run, by its path.
  file = 1,
  /// The code itself.
  code = 2,
  /// What `pickle` or `cloudpickle` made of a function, in base64.
  pickle = 3,
};
/// Whether the number names a source.
constexpr bool is_known(python_source x) noexcept {
  return x >= python_source::file && x <= python_source::pickle;
}

/// A Python function, called by an interpreter in a child.
struct python_action {
  python_source source = python_source::code;
  /// Path, code or base64.
  std::string text;
  /// The function's name; empty: the only public one at the top of the code, else `main`.
  std::string entry;

  friend bool operator==(const python_action&, const python_action&) = default;
};

using task_action = std::variant<command_action, shell_action, function_action, python_action>;

/// In which child a function is called.
enum class child_use : std::uint8_t {
  /// One of its own, in the attempt's view, gone afterwards.
  fresh = 1,
  /// One that has called functions of this run before, where there is one: no view, no files.
  warm = 2,
  /// A copy of such a one, made for the call: it finds nothing of the calls before it.
  forked = 3,
};
/// Whether the number names a use.
constexpr bool is_known(child_use x) noexcept {
  return x >= child_use::fresh && x <= child_use::forked;
}

/// Whether the child serves more than one call.
constexpr bool is_kept(child_use x) noexcept { return x != child_use::fresh; }

/// One output that a task declares.
struct output_spec {
  std::string key;
  /// `null`, `bool`, `int`, `float`, `string`, `path`, `bytes`, `list`, `dict` or `any`.
  std::string type = "any";

  friend bool operator==(const output_spec&, const output_spec&) = default;
};

/// How what a task returns becomes its output dictionary.
enum class output_form : std::uint8_t {
  /// As the value of the one key that the task declares.
  one = 1,
  /// It is a dictionary itself, and the keys that the task declares are taken from it.
  many = 2,
};
/// Whether the number names a form.
constexpr bool is_known(output_form x) noexcept {
  return x == output_form::one || x == output_form::many;
}

/// What a task declares of its output.
struct task_output {
  output_form form = output_form::one;
  /// Distinct; exactly one with `output_form::one`, one or more with `many`.
  std::vector<output_spec> keys;

  /// The key of this name, or nothing.
  [[nodiscard]] const output_spec* find(std::string_view key) const noexcept;

  friend bool operator==(const task_output&, const task_output&) = default;
};

/// What lies in the dictionary that a command or script returns: `exit_code`, an int, and the streams,
/// text or bytes.
inline constexpr std::array<std::string_view, 3> command_parts{"exit_code", "stdout", "stderr"};
/// The types that this part may be declared as; nothing for any other name.
std::span<const std::string_view> command_part_types(std::string_view part) noexcept;
/// Whether there is such a part, which may be declared as `type`.
bool command_part_accepts(std::string_view part, std::string_view type) noexcept;

/// Which needs of a task somebody wrote down: the others may come from its function, or from its cluster.
struct written_needs {
  bool cpus = false;
  bool memory = false;
  bool gpus = false;
  sandbox_parts sandbox{};

  friend bool operator==(const written_needs&, const written_needs&) = default;
};

/// What to run: one task of a workflow, checked and with all defaults filled in.
struct task_spec {
  std::string name;
  task_action action;
  std::vector<parameter> parameters;
  /// Explicit values by parameter name; every name is one of `parameters`.
  std::map<std::string, input_expression> inputs;
  task_output output;
  /// Tasks that must complete first although no input names them, by name.
  std::vector<std::string> after;
  resources needs{.cpu_millis = 1000};
  written_needs written;
  /// What its node must be labelled with.
  node_labels labels;
  sandbox_spec sandbox;
  /// What it says that it needs, beside what shows: see `needed_permissions`.
  permission_set permissions;
  /// Further attempts after a retryable failure.
  std::uint32_t retries = 0;
  /// Exit statuses of a command that count as success; 0 is always one of them.
  std::vector<std::int32_t> ok_exit{0};
  std::map<std::string, std::string> environment;
  /// Globs of paths whose removal by this task is part of what it publishes.
  std::vector<std::string> deletes;
  /// Globs of files and folders that are published although they look like code or caches.
  std::vector<std::string> publishes;
  /// Which files it says that it uses, and what is made of others.
  file_declaration files;
  /// -20 (last) to 20 (first); among ready tasks a larger number goes first.
  std::int32_t priority = 0;
  /// Of functions only; commands always have a child of their own.
  child_use child = child_use::fresh;
  /// Calls after which the child that serves them is replaced; 0: never. Of functions whose child is kept.
  std::uint32_t child_calls_max = 0;

  friend bool operator==(const task_spec&, const task_spec&) = default;
};

/// The distinct task names that `spec` reads through references (inputs and command words), sorted.
std::vector<std::string> referenced_tasks(const task_spec& spec);
/// Calls `visit(const reference&)` for each reference in inputs and command words.
void for_each_reference(const task_spec& spec, const auto& visit);

/// Whether `name` is one of the type names that `output_spec::type` lists.
bool is_type_name(std::string_view name) noexcept;
/// Whether `x` may stand where `type` is declared: an int also for `float`, a string for `path`, a
/// blob for what it decodes to, null only for `null` and `any`.
bool type_accepts(std::string_view type, const value& x) noexcept;

/// Whether the task is a function, of whatever language.
bool is_function(const task_spec& spec) noexcept;

/// The resolved parameters of one attempt, and its argv where the action is a command.
struct resolved_call {
  std::map<std::string, value> arguments;
  /// Empty for other actions than a command.
  std::vector<std::string> argv;
};

/// An entry of the run's context.
struct context_entry {
  value content;
  /// Never shown, logged or journalled; only handed to tasks.
  bool secret = false;

  friend bool operator==(const context_entry&, const context_entry&) = default;
};
using context_map = std::map<std::string, context_entry, std::less<>>;

/// Output dictionaries `{key: value}` of the tasks that references name, by task name.
using output_map = std::map<std::string, value, std::less<>>;

/// Gives each parameter its value from the first source that has one: explicit input, context entry
/// of the parameter's own name, default (MZ-14), and turns command words into text. A reference that
/// yields null counts as present. Fails with `input_missing` naming the parameter and the sources
/// tried, or the reference and its fault; with `invalid_payload` where a value contradicts the
/// declared type of its parameter, or a command word is no scalar. No error shows a value, so no
/// error shows a secret.
result<resolved_call> resolve_call(const task_spec& spec, const context_map& context,
                                   const output_map& outputs);

/// The text that a command word or an environment variable gets for `x`: strings as they are, numbers
/// and booleans as JSON writes them (see `real_text`). Fails with `invalid_payload` for everything
/// else, and for text with a NUL byte, which no program could be given.
result<std::string> word_text(const value& x);

namespace detail {
void walk_references(const input_expression& x, const auto& visit) {
  if (const auto* ref = std::get_if<reference>(&x.source))
    visit(*ref);
  else if (const auto* items = std::get_if<input_list>(&x.source))
    for (const auto& item : *items)
      walk_references(item, visit);
}
} // namespace detail

void for_each_reference(const task_spec& spec, const auto& visit) {
  for (const auto& [name, expression] : spec.inputs)
    detail::walk_references(expression, visit);
  if (const auto* command = std::get_if<command_action>(&spec.action))
    for (const auto& word : command->argv)
      if (const auto* expression = std::get_if<input_expression>(&word))
        detail::walk_references(*expression, visit);
}

} // namespace maze::core
