#include "maze/io/expression_reader.hpp"

#include "maze/core/suggestion.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::io {

namespace {

constexpr std::string_view literal_key = "literal";
constexpr std::string_view parameter_key = "param";

} // namespace

std::optional<core::reference> expression_reader::parse(const document_node& node,
                                                        const field_path& field,
                                                        std::string_view wanted) {
  const auto& text = *node.as_scalar();
  auto parsed = core::parse_reference(text);
  if (!parsed) {
    read_.report(codes::malformed_reference, read_.offset_inside(node, parsed.error().offset),
                 field, std::move(parsed.error().message),
                 fmt::format("write task.output.key, .key or [0] for each further step; for the "
                             "text itself {{literal: \"{}\"}}",
                             text));
    return std::nullopt;
  }
  sites_.references.push_back({*parsed, node.offset, field.text(), std::string(wanted)});
  return *std::move(parsed);
}

std::optional<core::reference> expression_reader::reference(const document_node& node,
                                                            const field_path& field) {
  const auto* text = node.as_scalar();
  if (text != nullptr && core::looks_like_reference(*text))
    return parse(node, field, "any");
  read_.report(
      codes::not_a_reference, node.offset, field,
      fmt::format("a reference belongs here, not {}", describe(node)),
      "write task.output.key, or task.output.key.stdout for a part of what a command gave");
  return std::nullopt;
}

std::optional<core::input_expression> expression_reader::input(const document_node& node,
                                                               const field_path& field,
                                                               std::string_view wanted) {
  if (node.as_list() != nullptr)
    return list(node, field);
  if (node.as_scalar() != nullptr)
    return scalar(node, field, wanted);
  const auto* literal = only_member(node, literal_key);
  if (literal == nullptr) {
    if (const auto* stray = find_member(*node.as_map(), literal_key)) {
      read_.report(codes::bad_literal, stray->key_offset, field / literal_key,
                   "literal must be the only key of its map",
                   "put everything that is meant literally below it: {literal: {…}}");
      return std::nullopt;
    }
    if (refuse_references(node, field))
      return std::nullopt;
  }
  auto value =
      literal != nullptr ? read_.value(*literal, field / literal_key) : read_.value(node, field);
  return value ? std::optional(core::input_expression{*std::move(value)}) : std::nullopt;
}

std::optional<core::input_expression> expression_reader::scalar(const document_node& node,
                                                                const field_path& field,
                                                                std::string_view wanted) {
  if (core::looks_like_reference(*node.as_scalar())) {
    auto target = parse(node, field, wanted);
    return target ? std::optional(core::input_expression{*std::move(target)}) : std::nullopt;
  }
  note_lookalike(node, field);
  auto value = read_.scalar(node, field);
  return value ? std::optional(core::input_expression{*std::move(value)}) : std::nullopt;
}

void expression_reader::note_lookalike(const document_node& node, const field_path& field) {
  const auto* text = node.as_scalar();
  const auto dot = text == nullptr ? std::string::npos : text->find('.');
  if (dot != std::string::npos && core::is_name(std::string_view(*text).substr(0, dot)))
    sites_.lookalikes.push_back({*text, node.offset, field.text()});
}

std::optional<core::input_expression> expression_reader::list(const document_node& node,
                                                              const field_path& field) {
  core::input_list elements;
  const auto& items = *node.as_list();
  bool literal = true;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto one = input(items[i], field[i], "any");
    if (!one)
      continue;
    literal = literal && std::holds_alternative<core::value>(one->source);
    elements.push_back(*std::move(one));
  }
  if (elements.size() != items.size())
    return std::nullopt;
  if (!literal)
    return core::input_expression{std::move(elements)};
  core::list values;
  for (auto& element : elements)
    values.push_back(std::get<core::value>(std::move(element.source)));
  return core::input_expression{core::value(std::move(values))};
}

bool expression_reader::refuse_references(const document_node& node, const field_path& field) {
  bool refused = false;
  if (const auto* text = node.as_scalar(); text != nullptr && core::looks_like_reference(*text)) {
    read_.report(
        codes::reference_in_dictionary, node.offset, field,
        fmt::format("{} lies inside a dictionary, where references are not followed", *text),
        "give the reference a parameter of its own, or wrap the dictionary in "
        "{literal: …} for the text itself");
    return true;
  }
  if (const auto* items = node.as_list())
    for (std::size_t i = 0; i < items->size(); ++i)
      refused |= refuse_references((*items)[i], field[i]);
  if (const auto* members = node.as_map())
    for (const auto& member : *members)
      refused |= refuse_references(member.value, field / member.key);
  return refused;
}

void expression_reader::not_a_word(const document_node& node, const field_path& field) {
  read_.report(
      codes::not_a_word, node.offset, field,
      fmt::format("{} cannot be one word of a command", describe(node)),
      "write text, a number, true or false, a reference, {param: name} or {literal: text}; a list "
      "or dictionary among `inputs` reaches the task as JSON in the variable MAZE_INPUT_<name>");
}

std::optional<core::input_expression> expression_reader::literal_word(const document_node& node,
                                                                      const field_path& field) {
  auto value = node.as_scalar() == nullptr ? core::value() : read_.scalar(node, field);
  if (!value)
    return std::nullopt;
  if (const auto* written = value->as<std::string>();
      written != nullptr && !read_.check_nul(*written, node, field))
    return std::nullopt;
  const auto text = core::word_text(*value);
  if (!text) {
    not_a_word(node, field);
    return std::nullopt;
  }
  if (node.plain && *text != *node.as_scalar()) {
    read_.report(
        codes::ambiguous_scalar, node.offset, field,
        fmt::format("the number {} would reach the command as {}", *node.as_scalar(), *text),
        fmt::format("write \"{}\" in quotes to keep it as it is", *node.as_scalar()));
    return std::nullopt;
  }
  return core::input_expression{*std::move(value)};
}

std::optional<core::command_word>
expression_reader::parameter(const document_node& node, const field_path& field,
                             const std::vector<core::parameter>& parameters) {
  const auto here = field / parameter_key;
  const auto name = read_.text(node, here);
  if (!name)
    return std::nullopt;
  std::vector<std::string_view> known;
  for (const auto& one : parameters)
    known.push_back(one.name);
  if (std::find(known.begin(), known.end(), *name) != known.end()) {
    sites_.parameter_words.push_back({*name, node.offset, here.text()});
    return core::parameter_word{*name};
  }
  auto remedy = core::did_you_mean(*name, known, "its parameters are");
  read_.report(codes::unknown_parameter, node.offset, here,
               fmt::format("the task has no parameter {}", *name),
               remedy.empty() ? fmt::format("declare it: `params: {{{}: string}}`", *name)
                              : std::move(remedy));
  return std::nullopt;
}

std::optional<core::command_word>
expression_reader::word(const document_node& node, const field_path& field,
                        const std::vector<core::parameter>& parameters) {
  if (const auto* name = only_member(node, parameter_key))
    return parameter(*name, field, parameters);
  if (const auto* literal = only_member(node, literal_key))
    return literal_word(*literal, field / literal_key);
  if (node.as_scalar() != nullptr && core::looks_like_reference(*node.as_scalar()))
    return scalar(node, field, "word");
  note_lookalike(node, field);
  return literal_word(node, field);
}

} // namespace maze::io
