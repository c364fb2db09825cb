#pragma once

#include "maze/core/sandbox_parts.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/io/node_reader.hpp"

#include <span>
#include <string_view>

namespace maze::io {

/// Reads what a task or `defaults` say under `sandbox`, a level or a map, over what `sandbox` holds already.
/// @param said  gets the parts that it says
void read_sandbox(const node_reader& read, const document_node& node, const field_path& field,
                  core::sandbox_spec& sandbox, core::sandbox_parts& said);

/// Another word for a part of `sandbox`, and what its value means without a unit.
struct sandbox_spelling {
  enum class unit : std::uint8_t { same = 0, seconds = 1, mib = 2, paths = 3, file_system = 4 };

  std::string_view word;
  std::string_view key;
  unit amount = unit::same;
};
/// Those that configurations of Lattice and of Retire-Cluster have. A map has one word for each part.
std::span<const sandbox_spelling> sandbox_spellings() noexcept;

} // namespace maze::io
