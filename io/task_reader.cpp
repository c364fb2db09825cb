#include "maze/io/task_reader.hpp"

#include "maze/io/amount_reader.hpp"
#include "maze/io/function_reader.hpp"
#include "maze/io/value_types.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace maze::io {

namespace {

bool contains(const auto& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class task_reader {
public:
  task_reader(const node_reader& read, const document_member& member, const field_path& field)
      : read_(read), member_(member), field_(field), expressions_(read, out_.sites) {}

  read_task_result run(const task_attributes& defaults) {
    out_.spec.name = member_.key;
    read_.check_name(member_.key, member_.key_offset, field_, "a task");
    members_ = read_.map(member_.value, field_);
    if (members_ == nullptr)
      return std::move(out_);
    const auto meant = read_.check_keys(member_.value, workflow_section::task, field_);
    const auto* kind = find_kind(*members_);
    auto base = defaults;
    base.of_functions = kind != nullptr && is_function_kind(kind->key);
    attributes(read_attributes(read_, *members_, field_, std::move(base)), meant);
    if (const auto* params = find_member(*members_, "params"))
      parameters(params->value, field_ / "params");
    if (const auto* inputs = find_member(*members_, "inputs"))
      this->inputs(inputs->value, field_ / "inputs");
    settle_unread(meant);
    action(meant);
    if (const auto* after = find_member(*members_, "after"))
      this->after(after->value, field_ / "after");
    if (const auto* deletes = find_member(*members_, "deletes"))
      out_.spec.deletes = read_globs(read_, deletes->value, field_ / "deletes");
    if (const auto* publishes = find_member(*members_, "publishes"))
      out_.spec.publishes = read_globs(read_, publishes->value, field_ / "publishes");
    if (const auto* reads = find_member(*members_, "reads"))
      out_.spec.files.reads = read_globs(read_, reads->value, field_ / "reads");
    if (const auto* writes = find_member(*members_, "writes"))
      out_.spec.files.writes = read_globs(read_, writes->value, field_ / "writes");
    return std::move(out_);
  }

private:
  void attributes(task_attributes read, const std::vector<std::string_view>& meant);
  void check_gpu_variables();
  void check_imports();
  void check_report();
  void parameters(const document_node& node, const field_path& field);
  void parameter(const document_member& member, const field_path& field);
  void inputs(const document_node& node, const field_path& field);
  void settle_unread(const std::vector<std::string_view>& meant);
  void action(const std::vector<std::string_view>& meant);
  void check_kinds(const std::vector<const document_member*>& found,
                   const std::vector<std::string_view>& meant);
  void command(const document_node& node, const field_path& field);
  void shell(const document_node& node, const field_path& field);
  void function(const document_member& kind);
  void after(const document_node& node, const field_path& field);
  void check_type(const core::value& x, std::string_view type, std::size_t offset,
                  const field_path& field);

  const node_reader& read_;
  const document_member& member_;
  const field_path& field_;
  const document_node::map* members_ = nullptr;
  read_task_result out_;
  expression_reader expressions_;
};

void task_reader::attributes(task_attributes read, const std::vector<std::string_view>& meant) {
  out_.output_known = read.output.has_value();
  if (!read.output && !read.output_broken && !contains(meant, "output"))
    read_.report(codes::output_missing, member_.key_offset, field_ / "output",
                 fmt::format("the task {} declares no output", member_.key),
                 read.form == core::output_form::one
                     ? "declare exactly one, for example `output: {run: dict}`"
                     : "declare one or more, for example `output: {stdout: string}`");
  auto& spec = out_.spec;
  spec.output = std::move(read.output).value_or(core::task_output());
  spec.needs = read.needs;
  spec.written = read.written;
  spec.labels = std::move(read.labels);
  spec.permissions = read.permissions;
  spec.sandbox = read.sandbox;
  spec.retries = read.retries;
  spec.environment = std::move(read.environment);
  spec.ok_exit = std::move(read.ok_exit);
  spec.priority = read.priority;
  spec.files.report = read.file_report;
  if (spec.needs.gpus > 0)
    check_gpu_variables();
}

/// Those of `defaults` are meant for Python.
void task_reader::check_imports() {
  const auto* own = find_member(*members_, "sandbox");
  const auto* parts = own == nullptr ? nullptr : own->value.as_map();
  const auto* written = parts == nullptr ? nullptr : find_member(*parts, "imports");
  if (written == nullptr && parts != nullptr)
    written = find_member(*parts, "allowed_imports");
  out_.spec.sandbox.imports.reset();
  if (written != nullptr)
    read_.report(codes::bad_sandbox, written->key_offset, field_ / "sandbox" / written->key,
                 "only what a Python function imports can be told",
                 "take it away: what holds a command or a function in C++ is the level");
}

/// Many calls share one child, and no call has files.
void task_reader::check_report() {
  const auto* own = find_member(*members_, "file_report");
  const auto* written = own != nullptr ? own : find_member(*members_, "child");
  read_.report(codes::key_of_other_kind, written->value.offset, field_ / "file_report",
               "only a fresh child has files that a report could be about",
               "leave the child fresh, or write `file_report: none` in this task");
}

/// Which GPUs a task sees is decided when it starts.
void task_reader::check_gpu_variables() {
  const auto* own = find_member(*members_, "env");
  for (const char* name : {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"}) {
    if (out_.spec.environment.count(name) == 0)
      continue;
    const auto* written = own != nullptr && own->value.as_map() != nullptr
                              ? find_member(*own->value.as_map(), name)
                              : nullptr;
    read_.report(
        codes::reserved_variable, written != nullptr ? written->key_offset : member_.key_offset,
        field_ / "env" / name, fmt::format("the task asks for GPUs, so maze sets {} itself", name),
        "leave the variable out; the task finds in it the GPUs that are its own");
  }
}

void task_reader::check_type(const core::value& x, std::string_view type, std::size_t offset,
                             const field_path& field) {
  if (!fits_type(x, type))
    read_.report(codes::type_mismatch, offset, field,
                 fmt::format("the parameter is of type {}, this is {}", type, core::type_name(x)),
                 fmt::format("write a value of type {}, or declare the parameter as {}", type,
                             core::type_name(x)));
}

void task_reader::parameters(const document_node& node, const field_path& field) {
  const auto* members = read_.map(node, field);
  if (members == nullptr)
    return;
  for (const auto& member : *members)
    parameter(member, field / member.key);
}

void task_reader::parameter(const document_member& member, const field_path& field) {
  parameter_site site{.offset = member.key_offset, .field = field.text()};
  core::parameter made{.name = member.key};
  const auto& node = member.value;
  site.settled = !read_.check_name(member.key, member.key_offset, field, "a parameter");
  const auto type_of = [&](const document_node& written, const field_path& here) {
    const auto type = read_type(read_, written, here);
    site.settled |= !type;
    made.type = type.value_or(made.type);
  };
  if (const auto* parts = node.as_map()) {
    site.settled |= contains(read_.check_keys(node, workflow_section::parameter, field), "default");
    if (const auto* type = find_member(*parts, "type"))
      type_of(type->value, field / "type");
    if (const auto* given = find_member(*parts, "default")) {
      site.settled = true;
      made.default_value = read_.value(given->value, field / "default");
      if (made.default_value)
        check_type(*made.default_value, made.type, given->value.offset, field / "default");
    }
  } else if (!node.is_absent() && !is_written_null(node)) {
    type_of(node, field);
  }
  out_.spec.parameters.push_back(std::move(made));
  out_.parameters.push_back(std::move(site));
}

void task_reader::inputs(const document_node& node, const field_path& field) {
  const auto* members = read_.map(node, field);
  if (members == nullptr)
    return;
  auto& parameters = out_.spec.parameters;
  const auto declared = parameters.size();
  for (const auto& member : *members) {
    const auto here = field / member.key;
    const auto end = parameters.begin() + static_cast<std::ptrdiff_t>(declared);
    const auto known = std::find_if(parameters.begin(), end,
                                    [&](const core::parameter& x) { return x.name == member.key; });
    const auto type = known == end ? std::string("any") : known->type;
    if (known == end) {
      read_.check_name(member.key, member.key_offset, here, "a parameter");
      parameters.push_back({.name = member.key});
      out_.parameters.push_back({.offset = member.key_offset, .field = here.text()});
      out_.parameters.back().in_inputs = true;
    } else {
      out_.parameters[static_cast<std::size_t>(known - parameters.begin())].in_inputs = true;
    }
    auto expression = expressions_.input(member.value, here, type);
    if (!expression)
      continue;
    if (const auto* value = std::get_if<core::value>(&expression->source))
      check_type(*value, type, member.value.offset, here);
    else if (std::holds_alternative<core::input_list>(expression->source))
      check_type(core::list(), type, member.value.offset, here);
    out_.spec.inputs.emplace(member.key, *std::move(expression));
  }
}

/// Inputs that could not be read as a whole may have held any parameter.
void task_reader::settle_unread(const std::vector<std::string_view>& meant) {
  const auto* inputs = find_member(*members_, "inputs");
  if (contains(meant, "inputs") || (inputs != nullptr && inputs->value.as_map() == nullptr))
    for (auto& site : out_.parameters)
      site.settled = true;
}

void task_reader::check_kinds(const std::vector<const document_member*>& found,
                              const std::vector<std::string_view>& meant) {
  const bool misspelt =
      std::any_of(meant.begin(), meant.end(), [](auto key) { return contains(task_kinds(), key); });
  if (found.empty() && !misspelt)
    read_.report(
        codes::task_kind_missing, member_.key_offset, field_,
        fmt::format("the task {} does not say what to run", member_.key),
        fmt::format("add `command: [program, argument]` or `shell: \"…\"`; the kinds are {}",
                    fmt::join(task_kinds(), ", ")));
  if (found.size() > 1)
    read_.report(
        codes::task_kind_not_single, found[1]->key_offset, field_ / found[1]->key,
        fmt::format("the task {} says both {} and {}", member_.key, found[0]->key, found[1]->key),
        "keep one of them, or make two tasks");
}

void task_reader::action(const std::vector<std::string_view>& meant) {
  std::vector<const document_member*> found;
  for (const auto& member : *members_)
    if (contains(task_kinds(), member.key))
      found.push_back(&member);
  check_kinds(found, meant);
  const bool python = std::any_of(found.begin(), found.end(), [](const auto* kind) {
    return kind->key != "function" && is_function_kind(kind->key);
  });
  if (out_.spec.sandbox.imports && !python && !found.empty())
    check_imports();
  if (found.size() == 1)
    check_function_keys(read_, found.front()->key, *members_, field_);
  for (const auto* kind : found) {
    if (kind->key == "command")
      command(kind->value, field_ / kind->key);
    else if (kind->key == "shell")
      shell(kind->value, field_ / kind->key);
    else
      function(*kind);
  }
}

void task_reader::command(const document_node& node, const field_path& field) {
  if (node.as_scalar() != nullptr && !node.is_absent()) {
    read_.report(codes::expected_list, node.offset, field,
                 fmt::format("a command is a list of words, not {}", describe(node)),
                 "write [program, argument], or use `shell:` for a script");
    return;
  }
  const auto* items = read_.list(node, field);
  if (items == nullptr)
    return;
  core::command_action made;
  for (std::size_t i = 0; i < items->size(); ++i)
    if (auto word = expressions_.word((*items)[i], field[i], out_.spec.parameters))
      made.argv.push_back(*std::move(word));
  const bool no_program = items->empty()
                          || (items->front().as_scalar() != nullptr && !items->front().plain
                              && items->front().as_scalar()->empty());
  if (no_program)
    read_.report(codes::empty_command, items->empty() ? node.offset : items->front().offset, field,
                 "the command names no program", "write [program, argument]");
  out_.spec.action = std::move(made);
}

void task_reader::shell(const document_node& node, const field_path& field) {
  auto script = read_.text(node, field);
  if (!script)
    return;
  if (script->find_first_not_of(" \t\r\n") == std::string::npos)
    read_.report(codes::empty_script, node.offset, field, "the shell script is empty",
                 "write what /bin/sh shall run");
  out_.spec.action = core::shell_action{*std::move(script)};
}

void task_reader::function(const document_member& kind) {
  auto& spec = out_.spec;
  // Those of `defaults` are meant for commands.
  spec.ok_exit = {0};
  spec.child = read_child(read_, *members_, field_);
  if (core::is_kept(spec.child)) {
    refuse_keys_of_fresh(read_, *members_, field_);
    spec.environment.clear();
  }
  spec.child_calls_max = read_calls_max(read_, *members_, field_, spec.child);
  if (core::is_kept(spec.child) && spec.files.report != core::file_report_mode::none)
    check_report();
  if (auto read = read_function(read_, kind, *members_, field_)) {
    spec.action = std::move(read->action);
    out_.library = std::move(read->library);
  }
  // Its library may have a default for any parameter.
  if (kind.key == "function")
    for (auto& site : out_.parameters)
      site.settled = true;
}

void task_reader::after(const document_node& node, const field_path& field) {
  const auto* items = read_.list(node, field);
  if (items == nullptr)
    return;
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const auto& item = (*items)[i];
    auto name = read_.text(item, field[i]);
    if (!name)
      continue;
    if (!seen.insert(*item.as_scalar()).second) {
      read_.report(codes::duplicate_entry, item.offset, field[i],
                   fmt::format("{} stands in this list twice", *name), "keep one of the two");
      continue;
    }
    out_.after.push_back({*name, item.offset, field[i].text()});
    out_.spec.after.push_back(*std::move(name));
  }
}

bool leaves_tree(std::string_view path) {
  if (path.starts_with('/'))
    return true;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (path.substr(at, end - at) == "..")
      return true;
    at = end + 1;
  }
  return false;
}

} // namespace

read_task_result read_task(const node_reader& read, const document_member& member,
                           const field_path& field, const task_attributes& defaults) {
  return task_reader(read, member, field).run(defaults);
}

bool check_glob(const node_reader& read, const std::string& pattern, std::size_t offset,
                const field_path& field) {
  if (!pattern.empty() && !leaves_tree(pattern))
    return true;
  read.report(codes::bad_glob, offset, field,
              pattern.empty() ? "the pattern is empty"
                              : fmt::format("the pattern {} leaves the taskspace", pattern),
              "write a relative pattern such as \"*.txt\" or \"out/**\"");
  return false;
}

std::vector<std::string> read_globs(const node_reader& read, const document_node& node,
                                    const field_path& field) {
  std::vector<std::string> out;
  const auto* items = read.list(node, field);
  if (items == nullptr)
    return out;
  for (std::size_t i = 0; i < items->size(); ++i)
    if (auto pattern = read.text((*items)[i], field[i]))
      if (check_glob(read, *pattern, (*items)[i].offset, field[i]))
        out.push_back(*std::move(pattern));
  return out;
}

} // namespace maze::io
