#include "maze/io/document.hpp"

#include "maze/core/utf8.hpp"
#include "maze/core/value.hpp"
#include "maze/io/document_builder.hpp"
#include "maze/io/plain_scalar.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

namespace maze::io {

namespace {

/// The first byte that no UTF-8 character holds, or npos.
std::size_t find_broken_utf8(std::string_view text) {
  if (core::is_utf8(text))
    return std::string_view::npos;
  std::size_t at = 0;
  while (const auto length = core::first_character(text.substr(at)).length)
    at += length;
  return at;
}

/// The first line of a text, cut to a length that fits a message.
std::string excerpt(std::string_view text) {
  constexpr std::size_t bytes_max = 60;
  auto line = text.substr(0, text.find('\n'));
  while (line.size() > bytes_max || !core::is_utf8(line))
    line.remove_suffix(1);
  return line.size() == text.size() ? std::string(line) : std::string(line) + "…";
}

std::size_t find_control_character(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
      return at;
  }
  return std::string_view::npos;
}

bool check_characters(findings& found) {
  const auto text = found.source().text();
  if (const auto at = find_broken_utf8(text); at != std::string_view::npos) {
    found.report({codes::not_utf8, at, "",
                  fmt::format("the byte 0x{:02X} is not part of a UTF-8 character",
                              static_cast<unsigned char>(text[at])),
                  "save the file as UTF-8"});
    return false;
  }
  if (const auto at = find_control_character(text); at != std::string_view::npos) {
    found.report({codes::control_character, at, "",
                  fmt::format("the control character U+{:04X} stands in the text",
                              static_cast<unsigned char>(text[at])),
                  "remove it, or write it as an escape inside double quotes"});
    return false;
  }
  return true;
}

} // namespace

std::optional<document_node> parse_document(findings& found, text_format format) {
  if (!check_characters(found))
    return std::nullopt;
  auto tree = format == text_format::json ? parse_json_document(found) : parse_yaml_document(found);
  if (found.empty() && (!tree || tree->is_absent())) {
    found.report({codes::empty_document, 0, "", "the file holds no workflow",
                  "begin with `maze: 1`, `name: …` and `tasks:`"});
    return std::nullopt;
  }
  return tree;
}

std::string describe(const document_node& node) {
  if (node.as_list() != nullptr)
    return "a list";
  if (node.as_map() != nullptr)
    return "a map";
  const auto& text = *node.as_scalar();
  const auto shown = excerpt(text);
  if (!node.plain)
    return fmt::format("the text \"{}\"", shown);
  if (text.empty())
    return "nothing";
  const auto meaning = read_plain_scalar(text);
  if (meaning && meaning->is<std::string>())
    return fmt::format("the text {}", shown);
  if (meaning && (meaning->is<std::int64_t>() || meaning->is<double>()))
    return fmt::format("the number {}", shown);
  return shown;
}

} // namespace maze::io
