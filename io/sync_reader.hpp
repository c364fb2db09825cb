#pragma once

#include "maze/core/file_rules.hpp"
#include "maze/io/node_reader.hpp"

namespace maze::io {

/// Reads `conflicts`, one word.
void read_conflicts(const node_reader& read, const document_node& node, const field_path& field,
                    core::file_rules& out);
/// Reads the map `sync`.
void read_sync(const node_reader& read, const document_node& node, const field_path& field,
               core::file_rules& out);

} // namespace maze::io
