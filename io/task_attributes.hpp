#pragma once

#include "maze/core/task_spec.hpp"
#include "maze/io/node_reader.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace maze::io {

/// What both `defaults` and a task can say.
struct task_attributes {
  /// Its form is `form`.
  std::optional<core::task_output> output;
  /// An output was written, and reported as wrong.
  bool output_broken = false;
  core::output_form form = core::output_form::one;
  /// An `outputs` was written, and reported as wrong: no output can be read.
  bool form_broken = false;
  /// Functions alone have the output, so it may be of any key and type.
  bool of_functions = false;
  core::resources needs{.cpu_millis = 1000};
  core::written_needs written;
  core::node_labels labels;
  core::sandbox_spec sandbox;
  core::permission_set permissions;
  std::uint32_t retries = 0;
  std::map<std::string, std::string> environment;
  std::vector<std::int32_t> ok_exit{0};
  std::int32_t priority = 0;
  core::file_report_mode file_report = core::file_report_mode::none;
};

/// Reads all attributes among the members of `defaults` or of a task over `base`, which holds what
/// applies where nothing is written. Variables of `env`, `labels` and parts of `sandbox` replace one by one.
task_attributes read_attributes(const node_reader& read, const document_node::map& members,
                                const field_path& field, task_attributes base);

/// Reads a type name, or nothing where it is wrong.
std::optional<std::string> read_type(const node_reader& read, const document_node& node,
                                     const field_path& field);

} // namespace maze::io
