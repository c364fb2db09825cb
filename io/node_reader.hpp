#pragma once

#include "maze/core/value.hpp"
#include "maze/io/document.hpp"
#include "maze/io/workflow_keys.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// The bounds of a whole number, both allowed.
struct integer_bounds {
  std::int64_t least;
  std::int64_t most;
};

/// Turns nodes of a document into values of the wanted kind. Each function reports what is wrong and
/// then returns nothing; `field` is where the node stands.
class node_reader {
public:
  explicit node_reader(findings& found) : found_(found) {}

  const document_node::map* map(const document_node& node, const field_path& field) const;
  const document_node::list* list(const document_node& node, const field_path& field) const;
  /// Text without NUL, which neither paths nor processes can take.
  std::optional<std::string> text(const document_node& node, const field_path& field) const;
  /// A list of such texts; a wrong one is left out.
  std::vector<std::string> texts(const document_node& node, const field_path& field) const;
  /// Text that is one of `words`: its position there. `intro` stands before the list of them.
  std::optional<std::size_t> choice(const document_node& node, const field_path& field,
                                    std::span<const std::string_view> words,
                                    std::string_view intro) const;
  std::optional<double> number(const document_node& node, const field_path& field) const;
  std::optional<std::int64_t> integer(const document_node& node, const field_path& field,
                                      integer_bounds bounds) const;
  std::optional<core::value> scalar(const document_node& node, const field_path& field) const;
  /// Any value: maps become dictionaries.
  std::optional<core::value> value(const document_node& node, const field_path& field) const;

  /// Checks the keys of a map against its section: unknown and missing ones.
  /// Returns the known keys that misspelt ones seem to mean; they do not count as missing.
  std::vector<std::string_view> check_keys(const document_node& node, workflow_section section,
                                           const field_path& field) const;
  /// Whether `name` may name `what` (a task, a parameter …).
  bool check_name(std::string_view name, std::size_t offset, const field_path& field,
                  std::string_view what) const;
  bool check_nul(const std::string& text, const document_node& node, const field_path& field) const;

  /// The byte of the source where byte `inside` of a scalar's text stands; the scalar's own begin
  /// where escapes or folding make that unclear.
  [[nodiscard]] std::size_t offset_inside(const document_node& node, std::size_t inside) const;

  void report(std::string_view code, std::size_t offset, const field_path& field,
              std::string message, std::string remedy) const {
    found_.report({code, offset, field.text(), std::move(message), std::move(remedy)});
  }

private:
  findings& found_;
};

/// The member of a map with this key, or nothing.
const document_member* find_member(const document_node::map& map, std::string_view key) noexcept;
/// The value of `{key: value}`, a map with this key alone, or nothing.
const document_node* only_member(const document_node& node, std::string_view key) noexcept;

} // namespace maze::io
