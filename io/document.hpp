#pragma once

#include "maze/io/diagnostics.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace maze::io {

struct document_member;

/// A node of a YAML or JSON text: a scalar, a list or a map, with its place in the text.
///
/// @note Scalars are not interpreted: see read_plain_scalar. Nesting is at most document_depth_max.
struct document_node {
  using list = std::vector<document_node>;
  using map = std::vector<document_member>;

  /// The byte of the text where the node begins.
  std::uint32_t offset = 0;
  /// A scalar without quotes. Empty text then means that nothing was written.
  bool plain = false;
  std::variant<std::string, list, map> content;

  [[nodiscard]] const std::string* as_scalar() const noexcept {
    return std::get_if<std::string>(&content);
  }
  [[nodiscard]] const list* as_list() const noexcept { return std::get_if<list>(&content); }
  [[nodiscard]] const map* as_map() const noexcept { return std::get_if<map>(&content); }
  /// A plain scalar without any text: the value was left out.
  [[nodiscard]] bool is_absent() const noexcept {
    return plain && as_scalar() != nullptr && as_scalar()->empty();
  }
};

/// A key, its place and its value. The keys of one map are distinct.
struct document_member {
  std::uint32_t key_offset = 0;
  std::string key;
  document_node value;
};

/// How deep lists and maps may lie inside each other.
inline constexpr std::size_t document_depth_max = 64;

/// Parses `found.source()` into a tree. What is wrong with the text itself is reported to `found`;
/// nothing is returned when no tree could be built.
std::optional<document_node> parse_document(findings& found, text_format format);

/// A short name of what a node is: `a list`, `the number 7`, `the text "x"` …
std::string describe(const document_node& node);

} // namespace maze::io
