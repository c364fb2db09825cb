#pragma once

#include "maze/io/document.hpp"
#include "maze/io/node_reader.hpp"

#include <stdexcept>
#include <string>

namespace maze::test {

/// A YAML text, its tree, and a reader with an empty list of findings.
class read_document {
public:
  explicit read_document(std::string text) : text_(std::move(text)) {
    auto tree = io::parse_document(found, io::text_format::yaml);
    if (!tree || !found.empty())
      throw std::runtime_error("the test's own document is malformed: " + text_);
    root = *std::move(tree);
  }

  /// The value of a key of the root.
  [[nodiscard]] const io::document_node& operator[](std::string_view key) const {
    const auto* member = io::find_member(*root.as_map(), key);
    if (member == nullptr)
      throw std::runtime_error("no key " + std::string(key));
    return member->value;
  }

  /// The codes of all findings so far, in order, with a space between; forgets them.
  std::string codes() {
    std::string out;
    for (const auto& one : found.take("f"))
      out += (out.empty() ? "" : " ") + one.code;
    return out;
  }

private:
  std::string text_;
  io::source_text source_{text_};

public:
  io::findings found{source_};
  io::document_node root;
  io::node_reader read{found};
  io::field_path field;
};

} // namespace maze::test
