#pragma once

#include "maze/core/task_spec.hpp"
#include "maze/io/expression_reader.hpp"
#include "maze/io/task_attributes.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// Where a parameter was declared, and which of its sources of a value the task itself wrote.
struct parameter_site {
  std::size_t offset = 0;
  std::string field;
  /// An input was written for it, if only a faulty one.
  bool in_inputs = false;
  /// It needs no other source: it has a default, or a fault that was reported hides whether it has.
  bool settled = false;
};

/// One task as far as it can be read alone.
struct read_task_result {
  core::task_spec spec;
  /// Whether `spec.output` was declared soundly.
  bool output_known = false;
  expression_sites sites;
  /// One for each of `spec.parameters`.
  std::vector<parameter_site> parameters;
  std::vector<named_site> after;
  /// The library that the task's function is of.
  std::optional<named_site> library;
};

/// Reads one entry of `tasks`; `defaults` holds what applies where the task says nothing.
read_task_result read_task(const node_reader& read, const document_member& member,
                           const field_path& field, const task_attributes& defaults);

/// Checks a glob: not empty, relative, no `..` part.
bool check_glob(const node_reader& read, const std::string& pattern, std::size_t offset,
                const field_path& field);
/// Reads a list of globs; wrong ones are left out.
std::vector<std::string> read_globs(const node_reader& read, const document_node& node,
                                    const field_path& field);

} // namespace maze::io
