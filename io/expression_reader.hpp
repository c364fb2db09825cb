#pragma once

#include "maze/core/task_spec.hpp"
#include "maze/io/node_reader.hpp"

#include <optional>
#include <string>
#include <vector>

namespace maze::io {

/// A reference and where it was written, for the checks that need the whole workflow.
struct reference_site {
  core::reference target;
  std::size_t offset = 0;
  std::string field;
  /// The type that the place wants; `word` for a word of a command: text, a number or a boolean.
  std::string wanted = "any";
};

/// A name or text and where it was written.
struct named_site {
  std::string name;
  std::size_t offset = 0;
  std::string field;
};

/// What the expressions of one task hold that is checked against the whole workflow.
struct expression_sites {
  std::vector<reference_site> references;
  /// Text such as `count.stdout`, which is a reference without `.output` if `count` is a task.
  std::vector<named_site> lookalikes;
  /// The parameters that are words of the command.
  std::vector<named_site> parameter_words;
};

/// Reads inputs and the words of commands, and adds what it meets to `sites`.
class expression_reader {
public:
  expression_reader(const node_reader& read, expression_sites& sites)
      : read_(read), sites_(sites) {}

  /// An input of a parameter of type `wanted`: a scalar, a reference, a list that mixes both, a
  /// dictionary, or `{literal: X}`.
  std::optional<core::input_expression> input(const document_node& node, const field_path& field,
                                              std::string_view wanted);
  /// One word of a command, whose `{param: name}` must name one of `parameters`.
  std::optional<core::command_word> word(const document_node& node, const field_path& field,
                                         const std::vector<core::parameter>& parameters);
  /// Text that must be a reference.
  std::optional<core::reference> reference(const document_node& node, const field_path& field);

private:
  std::optional<core::input_expression> list(const document_node& node, const field_path& field);
  std::optional<core::input_expression> scalar(const document_node& node, const field_path& field,
                                               std::string_view wanted);
  std::optional<core::input_expression> literal_word(const document_node& node,
                                                     const field_path& field);
  std::optional<core::command_word> parameter(const document_node& node, const field_path& field,
                                              const std::vector<core::parameter>& parameters);
  std::optional<core::reference> parse(const document_node& node, const field_path& field,
                                       std::string_view wanted);
  /// Reports the references inside a dictionary, where nothing follows them.
  bool refuse_references(const document_node& node, const field_path& field);
  void note_lookalike(const document_node& node, const field_path& field);
  void not_a_word(const document_node& node, const field_path& field);

  const node_reader& read_;
  expression_sites& sites_;
};

} // namespace maze::io
