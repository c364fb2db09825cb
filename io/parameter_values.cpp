#include "maze/io/parameter_values.hpp"

#include "maze/io/value_types.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace maze::io {

namespace {

bool fills_a_word(std::string_view type) {
  return type != "list" && type != "dict" && type != "bytes" && type != "null";
}

using task_table = std::unordered_map<std::string_view, const core::task_spec*>;

/// The declared type of what a reference takes from a function; empty where nothing was declared.
std::string_view function_type(const core::task_spec& task, const core::reference& x) {
  const auto* key = x.path.size() == 1 ? std::get_if<std::string>(&x.path[0]) : nullptr;
  const auto* declared = key == nullptr ? nullptr : task.output.find(*key);
  return declared == nullptr || declared->type == "any" ? "" : std::string_view(declared->type);
}

class value_checker {
public:
  value_checker(findings& found, const read_task_result& task, const read_context& context,
                const task_table& tasks)
      : found_(found), task_(task), context_(context), tasks_(tasks) {}

  void run() {
    for (std::size_t i = 0; i < task_.parameters.size(); ++i)
      if (!task_.parameters[i].in_inputs)
        without_input(task_.spec.parameters[i], task_.parameters[i]);
    for (const auto& word : task_.sites.parameter_words)
      check_word(word);
  }

private:
  void without_input(const core::parameter& x, const parameter_site& site);
  void check_word(const named_site& word);
  std::string_view value_type(const core::parameter& x) const;
  std::string_view reference_type(const core::reference& x) const;

  findings& found_;
  const read_task_result& task_;
  const read_context& context_;
  const task_table& tasks_;
};

void value_checker::without_input(const core::parameter& x, const parameter_site& site) {
  if (const auto entry = context_.entries.find(x.name); entry != context_.entries.end()) {
    const auto& [offset, type] = entry->second;
    if (!type.empty() && !fits_type(type, x.type))
      found_.report(
          {codes::type_mismatch, offset, fmt::format("context.{}", x.name),
           fmt::format("the parameter {0} of the task {1} is of type {2}, the context entry {0} "
                       "is {3}",
                       x.name, task_.spec.name, x.type, type),
           fmt::format("write a value of type {}, declare the parameter as {}, or give the task an "
                       "input of its own",
                       x.type, type)});
    return;
  }
  if (site.settled || !context_.complete)
    return;
  found_.report({codes::parameter_without_value, site.offset, site.field,
                 fmt::format("the parameter {0} of the task {1} has no value: it is not among the "
                             "task's inputs, the context has no entry {0}, and it has no default",
                             x.name, task_.spec.name),
                 fmt::format("add `{0}: …` to the task's inputs or to `context`, or a default: "
                             "`{0}: {{type: {1}, default: …}}`",
                             x.name, x.type)});
}

/// The same of what a reference leads to.
std::string_view value_checker::reference_type(const core::reference& x) const {
  const auto target = tasks_.find(x.task);
  if (x.path.empty())
    return "dict";
  if (target != tasks_.end() && core::is_function(*target->second))
    return function_type(*target->second, x);
  const bool one = target == tasks_.end() || target->second->output.form == core::output_form::one;
  // All that one command gave.
  if (one && x.path.size() == 1)
    return "dict";
  const auto* key = std::get_if<std::string>(&x.path[0]);
  const auto* declared = one || key == nullptr ? nullptr : target->second->output.find(*key);
  return declared != nullptr && declared->type == "bytes" ? "bytes" : "";
}

/// The type of the value that the parameter will have; empty where only a run can tell.
std::string_view value_checker::value_type(const core::parameter& x) const {
  if (const auto input = task_.spec.inputs.find(x.name); input != task_.spec.inputs.end()) {
    const auto& source = input->second.source;
    if (const auto* literal = std::get_if<core::value>(&source))
      return core::type_name(*literal);
    if (const auto* ref = std::get_if<core::reference>(&source))
      return reference_type(*ref);
    return "list";
  }
  if (const auto entry = context_.entries.find(x.name); entry != context_.entries.end())
    return entry->second.type;
  return x.default_value ? core::type_name(*x.default_value) : std::string_view();
}

void value_checker::check_word(const named_site& word) {
  const auto& all = task_.spec.parameters;
  const auto known = std::find_if(all.begin(), all.end(),
                                  [&](const core::parameter& x) { return x.name == word.name; });
  if (known == all.end())
    return;
  const auto refuse = [&](std::string_view what, std::string_view type) {
    found_.report(
        {codes::not_a_word, word.offset, word.field,
         fmt::format("{} {} is {} and cannot be one word of a command", what, word.name, type),
         fmt::format("leave the word out: the variable MAZE_INPUT_{} holds it as JSON",
                     word.name)});
  };
  if (!fills_a_word(known->type))
    return refuse("the parameter", fmt::format("of type {}", known->type));
  const auto index = static_cast<std::size_t>(known - all.begin());
  const bool unread = task_.parameters[index].in_inputs && !task_.spec.inputs.contains(word.name);
  const auto type = value_type(*known);
  // A value of a wrong type has been reported.
  if (!unread && !fills_a_word(type) && fits_type(type, known->type))
    refuse("the value of the parameter", type);
}

} // namespace

void check_parameters(findings& found, const std::vector<read_task_result>& tasks,
                      const read_context& context) {
  task_table specs;
  for (const auto& task : tasks)
    specs.emplace(task.spec.name, &task.spec);
  for (const auto& task : tasks)
    value_checker(found, task, context, specs).run();
}

} // namespace maze::io
