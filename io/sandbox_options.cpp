#include "maze/io/sandbox_options.hpp"

#include "maze/io/document.hpp"
#include "maze/io/sandbox_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace maze::io {

namespace {

/// Where the part that begins at `start` ends: at a comma outside of brackets and quotes, or with the text.
std::size_t end_of_part(std::string_view text, std::size_t start) {
  int depth = 0;
  char quote = 0;
  for (std::size_t at = start; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0)
      quote = c == quote ? char{0} : quote;
    else if (c == '"' || c == '\'')
      quote = c;
    else if (c == '[' || c == '{')
      ++depth;
    else if (c == ']' || c == '}')
      --depth;
    else if (c == ',' && depth == 0)
      return at;
  }
  return text.size();
}

/// One part as a line of YAML.
core::result<std::string> line_of(std::string_view part) {
  const auto begin = std::min(part.find_first_not_of(' '), part.size());
  part.remove_prefix(begin);
  const auto equals = part.find('=');
  const auto key = part.substr(0, equals);
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (equals == std::string_view::npos || key.empty() || !std::all_of(key.begin(), key.end(), plain)
      || equals + 1 == part.size())
    return core::fail(core::errc::invalid_argument,
                      fmt::format("'{}' is not of the form memory=1GiB", part));
  return fmt::format("{}: {}\n", key, part.substr(equals + 1));
}

tl::unexpected<core::error> fault_of(const diagnostic& x) {
  return core::fail(core::errc::invalid_argument,
                    fmt::format("{}{}{}{}{}", x.field, x.field.empty() ? "" : ": ", x.message,
                                x.remedy.empty() ? "" : "; ", x.remedy));
}

} // namespace

core::result<core::sandbox_options> parse_sandbox_options(const std::string& text) {
  if (text.find_first_of("\n\r") != std::string::npos)
    return core::fail(core::errc::invalid_argument,
                      "parts of a sandbox stand on one line, with commas between");
  std::string lines;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = end_of_part(text, start);
    auto line = line_of(std::string_view(text).substr(start, end - start));
    if (!line)
      return core::fail(line.error());
    lines += *line;
    start = end + 1;
  }
  const source_text source(lines);
  findings found(source);
  core::sandbox_options out;
  if (const auto document = parse_document(found, text_format::yaml))
    read_sandbox(node_reader(found), *document, {}, out.values, out.said);
  if (!found.empty())
    return fault_of(found.take("").front());
  return out;
}

} // namespace maze::io
