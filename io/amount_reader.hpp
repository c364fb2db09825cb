#pragma once

#include "maze/core/units.hpp"
#include "maze/io/node_reader.hpp"

#include <optional>
#include <string>

namespace maze::io {

/// Whether the scalar is the word null, written out.
bool is_written_null(const document_node& node) noexcept;

// Each reports what is wrong and then returns nothing.

/// `512MB`, `1.5GiB`; a number without a unit is bytes.
std::optional<core::byte_count> read_bytes(const node_reader& read, const document_node& node,
                                           const field_path& field);
/// `300ms`, `10m`: never without a unit, and not nothing.
std::optional<core::duration> read_duration(const node_reader& read, const document_node& node,
                                            const field_path& field);
/// The same, but a number without a unit is seconds.
std::optional<core::duration> read_seconds(const node_reader& read, const document_node& node,
                                           const field_path& field);
/// Hundredths: `80%`, `150%`, and 80 without the sign.
std::optional<std::uint32_t> read_percent(const node_reader& read, const document_node& node,
                                          const field_path& field);

/// Sets a limit; `null` takes one away that the defaults set.
template <class Limit, class Read>
void read_limit(const document_node& node, std::optional<Limit>& limit, const Read& read) {
  if (is_written_null(node))
    limit.reset();
  else if (const auto value = read(node))
    limit = *value;
}

} // namespace maze::io
