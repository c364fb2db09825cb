#include "maze/core/submission_form.hpp"

#include "maze/core/ignore_rules.hpp"
#include "maze/core/task_codec.hpp"
#include "maze/core/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace maze::core {

namespace {

constexpr std::uint8_t submission_format = 4;
constexpr std::string_view format_name = "submission";
/// Ready tasks are compared by priority in 32 bits; nobody needs more than this.
constexpr std::int32_t priority_max = 20;
constexpr std::size_t name_max = 128;

tl::unexpected<error> wrong(const task_spec& task, std::string_view why,
                            errc code = errc::invalid_argument) {
  return fail(code, fmt::format("task '{}': {}", task.name.substr(0, name_max), why), "submit");
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

result<void> check_output(const task_spec& task) {
  const auto& [form, keys] = task.output;
  if (keys.empty() || (form == output_form::one && keys.size() > 1))
    return wrong(task, fmt::format("it declares {} outputs", keys.size()));
  std::set<std::string_view> names;
  for (const output_spec& one : keys) {
    if (!is_name(one.key) || !is_type_name(one.type) || !names.insert(one.key).second)
      return wrong(task, "one of its outputs has no name, no type, or stands there twice");
    if (form == output_form::many && !is_function(task) && !command_part_accepts(one.key, one.type))
      return wrong(task,
                   fmt::format("a command gives no output '{}' of type {}", one.key, one.type));
  }
  return {};
}

result<void> check_parameters(const task_spec& task) {
  std::set<std::string_view> names;
  for (const parameter& one : task.parameters) {
    if (!is_name(one.name) || !names.insert(one.name).second)
      return wrong(task, fmt::format("parameter '{}' is no name or stands there twice", one.name));
    if (!is_type_name(one.type))
      return wrong(task, fmt::format("parameter '{}' has no such type '{}'", one.name, one.type));
  }
  for (const auto& [name, source] : task.inputs)
    if (!names.contains(name))
      return wrong(task, fmt::format("input '{}' is no parameter", name));
  if (const auto* command = std::get_if<command_action>(&task.action)) {
    if (command->argv.empty())
      return wrong(task, "the command is empty");
    for (const command_word& word : command->argv)
      if (const auto* own = std::get_if<parameter_word>(&word); own && !names.contains(own->name))
        return wrong(task, fmt::format("the command names '{}', which is no parameter", own->name));
  }
  return {};
}

result<void> check_texts(const task_spec& task) {
  if (const auto* shell = std::get_if<shell_action>(&task.action); shell && has_nul(shell->script))
    return wrong(task, "the shell script has a NUL byte", errc::malformed);
  for (const auto& [name, text] : task.environment)
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(text))
      return wrong(task, fmt::format("no environment can hold the variable '{}'", name),
                   errc::malformed);
  return {};
}

/// A name of Python, of those that need no other letters than names here.
/// Names with dots between them: a function, or one of a class.
bool is_python_name(std::string_view text) {
  const auto dot = text.find('.');
  const auto first = text.substr(0, dot);
  return is_name(first) && first.find('-') == std::string_view::npos
         && (dot == std::string_view::npos || is_python_name(text.substr(dot + 1)));
}

/// Whether the text has the shape of base 64, by its alphabet and padding.
bool is_base64(std::string_view text) {
  const auto padding = text.size() - std::min(text.find('='), text.size());
  const auto digit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+'
           || c == '/';
  };
  const auto digits = text.substr(0, text.size() - padding);
  return text.size() % 4 == 0 && padding <= 2 && std::all_of(digits.begin(), digits.end(), digit)
         && text.substr(digits.size()).find_first_not_of('=') == std::string_view::npos;
}

result<void> check_action(const task_spec& task, const function_action& action) {
  if (!is_name(action.library))
    return wrong(task, fmt::format("'{}' is no name of a library", action.library));
  if (!is_name(action.function))
    return wrong(task, fmt::format("'{}' is no name of a function", action.function));
  return {};
}

result<void> check_action(const task_spec& task, const python_action& action) {
  const auto& [source, text, entry] = action;
  if (text.empty())
    return wrong(task, "there is no Python code");
  if (has_nul(text))
    return wrong(task, "the Python code has a NUL byte", errc::malformed);
  if (!entry.empty() && !is_python_name(entry))
    return wrong(task, fmt::format("'{}' is no name of a Python function", entry));
  if (source == python_source::code && !is_utf8(text))
    return wrong(task, "the Python code is not UTF-8", errc::malformed);
  if (source == python_source::pickle && !is_base64(text))
    return wrong(task, "the pickle is not base 64", errc::malformed);
  if (source == python_source::pickle && !entry.empty())
    return wrong(task, "a pickle is one function and has no entry");
  if (source == python_source::file)
    if (auto sound = check_path(text); !sound)
      return wrong(task, sound.error().message, sound.error().code);
  return {};
}

result<void> check_function(const task_spec& task) {
  if (task.sandbox.imports && !std::holds_alternative<python_action>(task.action))
    return wrong(task, "`imports` is for Python functions: what holds other code is the level");
  if (!is_function(task)) {
    if (task.child != child_use::fresh || task.child_calls_max != 0)
      return wrong(task, "a command always has a child of its own");
    return {};
  }
  if (!is_kept(task.child) && task.child_calls_max != 0)
    return wrong(task,
                 "only a child that is kept makes more than one call, so `max_calls` needs one");
  if (is_kept(task.child) && task.files.report != file_report_mode::none)
    return wrong(task, "only a fresh child has files that `file_report` could be about");
  if (task.ok_exit != std::vector<std::int32_t>{0})
    return wrong(task, "a function has no exit status, so no other one is success");
  if (const auto* function = std::get_if<function_action>(&task.action))
    return check_action(task, *function);
  return check_action(task, std::get<python_action>(task.action));
}

result<void> check_limits(const task_spec& task) {
  if (auto fine = check_sandbox(task.sandbox); !fine)
    return wrong(task, fine.error().message);
  if (auto fine = check_labels("its node", task.labels); !fine)
    return wrong(task, fine.error().message);
  if (task.priority < -priority_max || task.priority > priority_max)
    return wrong(task, fmt::format("priority {} is not from -20 to 20", task.priority));
  return {};
}

/// Calls `visit` for each value that stands in `x`.
void for_each_value(const input_expression& x, const auto& visit) {
  if (const auto* literal = std::get_if<value>(&x.source))
    visit(*literal);
  else if (const auto* items = std::get_if<input_list>(&x.source))
    for (const input_expression& item : *items)
      for_each_value(item, visit);
}

void for_each_value(const task_spec& task, const auto& visit) {
  for (const parameter& one : task.parameters)
    if (one.default_value)
      visit(*one.default_value);
  for (const auto& [name, source] : task.inputs)
    for_each_value(source, visit);
  if (const auto* command = std::get_if<command_action>(&task.action))
    for (const command_word& word : command->argv)
      if (const auto* expression = std::get_if<input_expression>(&word))
        for_each_value(*expression, visit);
}

result<void> check_encodable(const submission_form& form) {
  for (const auto& [name, entry] : form.context)
    if (auto written = encode(entry.content); !written)
      return fail(written.error().code,
                  fmt::format("context entry '{}': {}", name, written.error().message), "submit");
  for (const task_spec& task : form.tasks) {
    result<void> fine;
    for_each_value(task, [&](const value& x) {
      if (auto written = encode(x); !written && fine)
        fine = wrong(task, written.error().message, written.error().code);
    });
    if (!fine)
      return fine;
  }
  return {};
}

/// What functions name besides what a task can be judged by alone.
result<void> check_sources(const submission_form& form) {
  for (const auto& [name, library] : form.libraries)
    if (!is_name(name) || library.size == 0 || library.size > library_size_max)
      return fail(errc::invalid_argument,
                  fmt::format("library '{}' has no name, or not 1 byte to 4 GiB", name), "submit");
  for (const task_spec& task : form.tasks) {
    const auto* function = std::get_if<function_action>(&task.action);
    if (function != nullptr && !form.libraries.contains(function->library))
      return wrong(task, fmt::format("the run has no library '{}'", function->library));
    const auto* python = std::get_if<python_action>(&task.action);
    if (python == nullptr || python->source != python_source::file)
      continue;
    const auto file = form.files.find(python->text);
    if (file == form.files.end() || file->second.kind != file_kind::file)
      return wrong(task, fmt::format("the run has no file '{}'", python->text));
  }
  return {};
}

result<void> check_archives(const submission_form& form) {
  if (form.archives.size() > archives_max)
    return fail(errc::limit_exceeded,
                fmt::format("a run has {} archives of images at most, this one {}", archives_max,
                            form.archives.size()),
                "submit");
  for (const auto& [name, archive] : form.archives)
    if (name.empty() || archive.size == 0 || archive.size > archive_size_max)
      return fail(
          errc::invalid_argument,
          fmt::format("the archive '{}' has no name, or not 1 byte to 64 GiB", name.substr(0, 128)),
          "submit");
  const auto is_there = [&form](const sandbox_spec& sandbox) {
    const std::string* const archive = carried_archive(sandbox);
    return archive == nullptr || form.archives.contains(*archive);
  };
  for (const task_spec& task : form.tasks)
    if (!is_there(task.sandbox))
      return wrong(task, fmt::format("the run brings no archive '{}'", *task.sandbox.image));
  if (form.calls && !is_there(form.calls->sandbox))
    return fail(
        errc::invalid_argument,
        fmt::format("the calls: the run brings no archive '{}'", *form.calls->sandbox.image),
        "submit");
  return {};
}

result<void> check_form(const submission_form& form) {
  if (form.client_id.empty() || form.client_id.size() > client_id_max)
    return fail(errc::invalid_argument,
                fmt::format("the submit id must have 1 to {} bytes", client_id_max), "submit");
  if (!is_name(form.name))
    return fail(errc::invalid_argument, "the workflow's name is no name", "submit");
  for (const auto& [name, entry] : form.context)
    if (!is_name(name))
      return fail(errc::invalid_argument, fmt::format("context entry '{}' is no name", name),
                  "submit");
  for (const task_spec& task : form.tasks)
    if (auto fine = check_task(task); !fine)
      return fine;
  if (auto fine = check_sources(form); !fine)
    return fine;
  if (auto fine = check_archives(form); !fine)
    return fine;
  for (const auto* patterns : {&form.rules.ignore, &form.rules.include})
    for (const std::string& pattern : *patterns)
      if (auto fine = check_ignore_pattern(pattern); !fine)
        return fail(fine.error().code, fine.error().message, "submit");
  if (form.libraries.size() > libraries_max)
    return fail(errc::limit_exceeded,
                fmt::format("a run has {} task libraries at most, this one {}", libraries_max,
                            form.libraries.size()),
                "submit");
  if (form.calls)
    if (auto fine = check_call_plan(*form.calls); !fine)
      return fine;
  return check_file_map(form.files);
}

} // namespace

template <class Inspector>
auto inspect(Inspector& f, library_ref& x) {
  return f(x.hash, x.size);
}

template <class Inspector>
auto inspect(Inspector& f, submission_form& x) {
  return f(x.client_id, x.name, x.tasks, x.context, x.files, x.base, x.collect, x.result, x.rules,
           x.libraries, x.calls, x.archives);
}

result<void> check_task(const task_spec& task) {
  if (!is_name(task.name))
    return wrong(task, "this is no name of a task");
  if (auto fine = check_output(task); !fine)
    return fine;
  if (auto fine = check_parameters(task); !fine)
    return fine;
  if (auto fine = check_texts(task); !fine)
    return fine;
  if (auto fine = check_function(task); !fine)
    return fine;
  return check_limits(task);
}

result<std::string> encode_submission(const submission_form& form) {
  if (auto fine = check_encodable(form); !fine)
    return fail(fine.error());
  binary_writer out;
  out.byte(submission_format);
  out(form);
  return std::move(out).bytes();
}

result<submission_form> decode_submission(std::string_view encoded) {
  binary_reader in(encoded, format_name);
  const auto format = in.byte();
  if (in.ok() && format != submission_format)
    return fail(format > submission_format ? errc::unsupported_operation : errc::malformed,
                fmt::format("{}, byte 0: format {}, this maze reads format {}", format_name, format,
                            submission_format));
  submission_form form;
  in(form);
  if (auto read = in.finish(); !read)
    return fail(read.error());
  if (auto fine = check_form(form); !fine)
    return fail(fine.error());
  return form;
}

} // namespace maze::core
