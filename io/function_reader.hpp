#pragma once

#include "maze/core/task_spec.hpp"
#include "maze/io/expression_reader.hpp"
#include "maze/io/node_reader.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace maze::io {

/// The keys of a task that say what to run; a task has exactly one of them.
std::span<const std::string_view> task_kinds() noexcept;
/// Whether this one of them makes the task a function.
bool is_function_kind(std::string_view kind) noexcept;
/// The first of them among the members of a task, or nothing.
const document_member* find_kind(const document_node::map& members) noexcept;

/// A function as far as its task can be read alone.
struct read_function_result {
  core::task_action action;
  /// The library that it names, for the check that there is one.
  std::optional<named_site> library;
};

/// Reads what `kind`, which makes a function of the task, says; `members` are those of the task, `field` is the
/// task's. Nothing where it is wrong.
std::optional<read_function_result> read_function(const node_reader& read,
                                                  const document_member& kind,
                                                  const document_node::map& members,
                                                  const field_path& field);

/// Refuses the keys that a task of this kind cannot have: `child`, `max_calls` and `entry` of a command, `entry` of other
/// functions than `code`, `ok_exit` of a function.
void check_function_keys(const node_reader& read, std::string_view kind,
                         const document_node::map& members, const field_path& field);
/// Refuses the keys of a task that only a fresh child can heed: `env` and those about files.
void refuse_keys_of_fresh(const node_reader& read, const document_node::map& members,
                          const field_path& field);
/// Reads `child`, if it is there.
core::child_use read_child(const node_reader& read, const document_node::map& members,
                           const field_path& field);
/// Reads `max_calls` of a function with this child; 0 where it is not there.
std::uint32_t read_calls_max(const node_reader& read, const document_node::map& members,
                             const field_path& field, core::child_use child);

} // namespace maze::io
