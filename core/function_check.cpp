#include "maze/core/function_check.hpp"

#include "maze/core/descriptor.hpp"
#include "maze/core/output_type.hpp"
#include "maze/core/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace maze::core {

namespace {

std::string phase_of(const task_spec& task) { return "submit:" + task.name; }

const parameter* find_parameter(const std::vector<parameter>& all, std::string_view name) noexcept {
  const auto found =
      std::find_if(all.begin(), all.end(), [name](const parameter& x) { return x.name == name; });
  return found == all.end() ? nullptr : &*found;
}

/// The task of this name, or nothing.
using task_finder = std::map<std::string_view, const task_spec*>;

/// The names of `all`, of whatever has one.
std::vector<std::string_view> names_in(const auto& all) {
  std::vector<std::string_view> out;
  for (const auto& x : all)
    out.emplace_back(x.name);
  return out;
}

/// Judges one task by the signature of its function.
class signature_check {
public:
  signature_check(const task_spec& task, const function_action& action,
                  const function_signature& signature, const context_map& context,
                  const task_finder& tasks)
      : task_(task), action_(action), signature_(signature), context_(context), tasks_(tasks) {}

  result<void> run() const {
    for (const parameter& declared : task_.parameters)
      if (auto fine = check_declared(declared); !fine)
        return fine;
    for (const parameter& wanted : signature_.parameters)
      if (auto fine = check_value(wanted); !fine)
        return fine;
    if (auto fine = check_gpus(); !fine)
      return fine;
    return check_output();
  }

private:
  [[nodiscard]] tl::unexpected<error> refuse(errc code, std::string_view why) const {
    return fail(code,
                fmt::format("task '{}', function {}: {}", task_.name, call_site(action_), why),
                phase_of(task_));
  }
  result<void> check_declared(const parameter& declared) const;
  result<void> check_value(const parameter& wanted) const;
  result<void> check_literal(const parameter& wanted, const value& x,
                             std::string_view source) const;
  result<void> check_reference(const parameter& wanted, const reference& x) const;
  result<void> check_gpus() const;
  result<void> check_output() const;

  const task_spec& task_;
  const function_action& action_;
  const function_signature& signature_;
  const context_map& context_;
  const task_finder& tasks_;
};

result<void> signature_check::check_declared(const parameter& declared) const {
  const parameter* known = find_parameter(signature_.parameters, declared.name);
  if (known == nullptr)
    return refuse(errc::invalid_payload,
                  fmt::format("it has no parameter '{}'; {}", declared.name,
                              signature_.parameters.empty()
                                  ? "it has none at all"
                                  : did_you_mean(declared.name, names_in(signature_.parameters),
                                                 "its parameters are")));
  if (!type_may_be(declared.type, known->type))
    return refuse(errc::invalid_payload,
                  fmt::format("its parameter '{}' is of type {}, the task declares it as {}: leave "
                              "the type out, or write {}",
                              declared.name, known->type, declared.type, known->type));
  return {};
}

/// Which GPUs a task sees is decided when it starts; of those that the task asks for itself its reader has said so.
result<void> signature_check::check_gpus() const {
  const bool given = signature_.needs && signature_.needs->gpus > 0 && !task_.written.gpus;
  for (const char* name : {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"})
    if (given && task_.environment.count(name) > 0)
      return refuse(errc::invalid_payload,
                    fmt::format("it needs {} GPU{}, which the node chooses: take {} out of `env`, "
                                "or write `gpus: 0`",
                                signature_.needs->gpus, signature_.needs->gpus == 1 ? "" : "s",
                                name));
  return {};
}

result<void> signature_check::check_literal(const parameter& wanted, const value& x,
                                            std::string_view source) const {
  if (type_accepts(wanted.type, x))
    return {};
  return refuse(errc::invalid_payload, fmt::format("its parameter '{}' is of type {}, {} is {}",
                                                   wanted.name, wanted.type, source, type_name(x)));
}

result<void> signature_check::check_reference(const parameter& wanted, const reference& x) const {
  const auto target = tasks_.find(x.task);
  const auto actual = target == tasks_.end() ? "any" : output_type(x, *target->second);
  if (type_may_be(actual, wanted.type))
    return {};
  return refuse(errc::invalid_payload,
                fmt::format("its parameter '{}' is of type {}, {} is {}: refer to something else",
                            wanted.name, wanted.type, to_string(x), actual));
}

/// The sources are those of `resolve_call`, in the same order.
result<void> signature_check::check_value(const parameter& wanted) const {
  if (const auto input = task_.inputs.find(wanted.name); input != task_.inputs.end()) {
    const auto& source = input->second.source;
    if (const auto* literal = std::get_if<value>(&source))
      return check_literal(wanted, *literal, "the task's input");
    if (std::holds_alternative<input_list>(source))
      return check_literal(wanted, value(list()), "the task's input");
    return check_reference(wanted, std::get<reference>(source));
  }
  if (const auto entry = context_.find(wanted.name); entry != context_.end())
    return check_literal(wanted, entry->second.content, "the context's entry");
  const parameter* declared = find_parameter(task_.parameters, wanted.name);
  if (declared != nullptr && declared->default_value)
    return check_literal(wanted, *declared->default_value, "the task's default");
  if (wanted.default_value)
    return declared == nullptr ? result<void>()
                               : check_literal(*declared, *wanted.default_value, "its default");
  return refuse(errc::input_missing,
                fmt::format("its parameter '{0}' of type {1} has no value: add `{0}: …` to the "
                            "task's inputs, or an entry {0} to the context",
                            wanted.name, wanted.type));
}

result<void> signature_check::check_output() const {
  const auto& [form, keys] = task_.output;
  if (form == output_form::many && !type_may_be(signature_.result, "dict"))
    return refuse(errc::invalid_payload,
                  fmt::format("it returns {}, and with `outputs: many` a function returns a "
                              "dictionary: declare one output",
                              signature_.result));
  if (form == output_form::many || keys.empty()
      || type_may_be(signature_.result, keys.front().type))
    return {};
  return refuse(
      errc::invalid_payload,
      fmt::format("it returns {}, the task declares its output '{}' as {}: write {} or any",
                  signature_.result, keys.front().key, keys.front().type, signature_.result));
}

tl::unexpected<error> unknown_function(const task_spec& task, const function_action& action,
                                       const library_description& library) {
  return fail(errc::untrusted_function,
              fmt::format("task '{}': the library '{}' has no function '{}'; {}", task.name,
                          action.library, action.function,
                          library.functions.empty()
                              ? "it has none at all"
                              : did_you_mean(action.function, names_in(library.functions),
                                             "its functions are")),
              phase_of(task));
}

tl::unexpected<error> unknown_library(const task_spec& task, const function_action& action,
                                      const library_descriptions& libraries) {
  std::vector<std::string_view> names;
  for (const auto& [name, description] : libraries)
    names.emplace_back(name);
  return fail(errc::untrusted_function,
              fmt::format("task '{}': the run has no library '{}' with a function '{}'; {}",
                          task.name, action.library, action.function,
                          names.empty() ? "it has no library at all"
                                        : did_you_mean(action.library, names, "its libraries are")),
              phase_of(task));
}

} // namespace

result<void> check_functions(std::span<const task_spec> tasks,
                             const library_descriptions& libraries, const context_map& context) {
  task_finder by_name;
  for (const task_spec& task : tasks)
    by_name.emplace(task.name, &task);
  for (const task_spec& task : tasks) {
    const auto* action = std::get_if<function_action>(&task.action);
    if (action == nullptr)
      continue;
    const auto library = libraries.find(action->library);
    if (library == libraries.end())
      return unknown_library(task, *action, libraries);
    const auto* signature = library->second.find(action->function);
    if (signature == nullptr)
      return unknown_function(task, *action, library->second);
    if (auto fine = signature_check(task, *action, *signature, context, by_name).run(); !fine)
      return fine;
  }
  return {};
}

void complete_functions(std::span<task_spec> tasks, const library_descriptions& libraries) {
  for (task_spec& task : tasks) {
    const auto* action = std::get_if<function_action>(&task.action);
    if (action == nullptr)
      continue;
    const auto library = libraries.find(action->library);
    const auto* signature =
        library == libraries.end() ? nullptr : library->second.find(action->function);
    if (signature == nullptr)
      continue;
    std::vector<parameter> complete = signature->parameters;
    for (parameter& each : complete) {
      const parameter* own = find_parameter(task.parameters, each.name);
      if (own == nullptr)
        continue;
      if (own->type != "any")
        each.type = own->type;
      if (own->default_value)
        each.default_value = own->default_value;
    }
    task.parameters = std::move(complete);
    const resources own = signature->needs.value_or(task.needs);
    // What names no cores leaves the one that a task has.
    if (!task.written.cpus && own.cpu_millis > 0)
      task.needs.cpu_millis = own.cpu_millis;
    if (!task.written.memory)
      task.needs.memory = own.memory;
    if (!task.written.gpus)
      task.needs.gpus = own.gpus;
  }
}

std::vector<std::string> oversized_code(std::span<const task_spec> tasks,
                                        const library_refs& libraries) {
  constexpr double mib = 1 << 20;
  std::vector<std::string> out;
  for (const auto& [name, library] : libraries)
    if (library.size >= library_size_large)
      out.push_back(fmt::format("library '{}' has {:.0f} MiB, which every node brings and every "
                                "child loads: strip --strip-debug, or hand data over as a file",
                                name, static_cast<double>(library.size) / mib));
  for (const task_spec& task : tasks)
    if (const auto* python = std::get_if<python_action>(&task.action);
        python != nullptr && python->source == python_source::pickle
        && python->text.size() >= pickle_size_large)
      out.push_back(fmt::format("the pickled function of task '{}' has {:.0f} MiB, which go along "
                                "with every attempt: hand over as a file what it carries",
                                task.name, static_cast<double>(python->text.size()) / mib));
  return out;
}

} // namespace maze::core
