#pragma once

#include "maze/io/task_attributes.hpp"

namespace maze::io {

/// Reads `outputs` among the members of `defaults` or of a task, if it is there.
void read_form(const node_reader& read, const document_node::map& members, const field_path& field,
               task_attributes& out);
/// Reads `output`, in the form that `out` holds.
void read_output(const node_reader& read, const document_node& node, const field_path& field,
                 task_attributes& out);

} // namespace maze::io
