#pragma once

#include "maze/io/document.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace maze::io {

/// Builds a document from the events of a parser: begin and end of lists and maps, and scalars. Keys
/// come as scalars, each before its value. Reports repeated keys (the first one stays), keys that are
/// no text, merge keys, and nesting beyond document_depth_max.
class document_builder {
public:
  explicit document_builder(findings& found) : found_(found) {}

  /// Both return false when the nesting is too deep; the parser must then stop.
  bool begin_list(std::size_t offset);
  bool begin_map(std::size_t offset);
  /// Ends the innermost list or map.
  void end();
  /// A value that was left out is a plain scalar without text; in a map it stands where its key does.
  void scalar(std::size_t offset, std::string text, bool plain);

  /// Where the node that comes next belongs, for messages.
  [[nodiscard]] std::string field() const;
  /// Whether the scalar that comes next is a key.
  [[nodiscard]] bool at_key() const noexcept;
  /// Whether the node that comes next is an element of a list.
  [[nodiscard]] bool in_list() const noexcept;
  [[nodiscard]] std::optional<document_node> take() { return std::move(root_); }

private:
  struct level {
    document_node node;
    /// The key whose value is awaited.
    std::string key;
    std::size_t key_offset = 0;
    bool has_key = false;
    /// The awaited value belongs to a key that was refused.
    bool drop_value = false;
    /// Where each key of this map stands.
    std::unordered_map<std::string, std::size_t> key_offsets;
  };

  bool begin(document_node node);
  void add(document_node node);
  void add_key(const document_node& node);

  findings& found_;
  std::vector<level> levels_;
  std::optional<document_node> root_;
};

/// The parsers behind parse_document; the text is UTF-8 without control characters.
std::optional<document_node> parse_yaml_document(findings& found);
std::optional<document_node> parse_json_document(findings& found);

} // namespace maze::io
