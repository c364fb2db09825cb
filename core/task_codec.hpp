#pragma once

#include "maze/core/call_plan.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/task_spec.hpp"

/// The binary form of task specs and contexts: include it where `binary_writer` or `binary_reader` meets
/// one. Values are written as the `text` of their own encoding.
namespace maze::core {

/// @pre `encode(x)` succeeds; otherwise nothing is written that could be read back.
inline void inspect(binary_writer& out, value& x) { out(encode(x).value_or("")); }

inline void inspect(binary_reader& in, value& x) {
  const auto start = in.offset();
  auto read = decode(in.text());
  if (!in.ok())
    return;
  if (!read)
    return in.refuse(start, read.error().message, read.error().code);
  x = std::move(*read);
}

template <class Inspector>
auto inspect(Inspector& f, reference& x) {
  return f(x.task, x.path);
}

template <class Inspector>
auto inspect(Inspector& f, input_expression& x) {
  return f(x.source);
}

template <class Inspector>
auto inspect(Inspector& f, parameter& x) {
  return f(x.name, x.type, x.default_value);
}

template <class Inspector>
auto inspect(Inspector& f, parameter_word& x) {
  return f(x.name);
}

template <class Inspector>
auto inspect(Inspector& f, command_action& x) {
  return f(x.argv);
}

template <class Inspector>
auto inspect(Inspector& f, shell_action& x) {
  return f(x.script);
}

template <class Inspector>
auto inspect(Inspector& f, function_action& x) {
  return f(x.library, x.function);
}

template <class Inspector>
auto inspect(Inspector& f, python_action& x) {
  return f(x.source, x.text, x.entry);
}

template <class Inspector>
auto inspect(Inspector& f, output_spec& x) {
  return f(x.key, x.type);
}

template <class Inspector>
auto inspect(Inspector& f, task_output& x) {
  return f(x.form, x.keys);
}

template <class Inspector>
auto inspect(Inspector& f, sandbox_spec& x) {
  return f(x.level, x.wall_time, x.cpu_time, x.address_space, x.file_size, x.open_files,
           x.processes, x.network, x.readable, x.writable, x.syscalls, x.memory, x.cpu_share,
           x.variables, x.imports, x.disk, x.filesystem, x.degrade, x.image, x.temporary, x.reuse,
           x.kill_on_violation);
}

template <class Inspector>
auto inspect(Inspector& f, written_needs& x) {
  return f(x.cpus, x.memory, x.gpus, x.sandbox);
}

template <class Inspector>
auto inspect(Inspector& f, task_spec& x) {
  return f(x.name, x.action, x.parameters, x.inputs, x.output, x.after, x.needs, x.sandbox,
           x.retries, x.ok_exit, x.environment, x.deletes, x.publishes, x.priority, x.child,
           x.written, x.files, x.permissions, x.child_calls_max, x.labels);
}

template <class Inspector>
auto inspect(Inspector& f, call_function& x) {
  return f(x.name, x.action);
}

template <class Inspector>
auto inspect(Inspector& f, call_plan& x) {
  return f(x.functions, x.needs, x.sandbox, x.retries, x.priority, x.child, x.child_calls_max,
           x.child_memory_max, x.lanes_min, x.durable, x.labels);
}

template <class Inspector>
auto inspect(Inspector& f, context_entry& x) {
  return f(x.content, x.secret);
}

} // namespace maze::core
