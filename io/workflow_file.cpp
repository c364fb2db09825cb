#include "maze/io/workflow_file.hpp"

#include "maze/io/document.hpp"
#include "maze/io/files.hpp"
#include "maze/io/node_reader.hpp"
#include "maze/io/run_sources.hpp"
#include "maze/io/workflow_codes.hpp"
#include "maze/io/workflow_reader.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>

namespace maze::io {

namespace {

constexpr std::uint64_t file_bytes_max = std::uint64_t{16} << 20;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::vector<diagnostic> whole_file(std::string_view code, const std::string& file,
                                   std::string message, std::string remedy) {
  return {{std::string(code), file, 0, 0, "", std::move(message), std::move(remedy)}};
}

parsed<core::workflow> parse(std::string_view text, const std::string& file_name,
                             text_format format, const std::filesystem::path* folder) {
  if (text.size() > file_bytes_max)
    return tl::unexpected(whole_file(
        codes::file_too_large, file_name,
        fmt::format("the text has {} bytes, at most {} are read", text.size(), file_bytes_max),
        "keep data in files of its own and name them under `files`"));
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  const source_text source(text);
  findings found(source);
  core::workflow out;
  if (const auto document = parse_document(found, format))
    out = read_workflow_document(found, *document, folder);
  if (!found.empty())
    return tl::unexpected(found.take(file_name));
  return out;
}

text_format format_of(const std::filesystem::path& file) {
  return file.extension() == ".json" ? text_format::json : text_format::yaml;
}

/// The member of a map that may not be there.
const document_member* member_of(const document_node* in, std::string_view key) {
  const auto* members = in == nullptr ? nullptr : in->as_map();
  return members == nullptr ? nullptr : find_member(*members, key);
}

/// Where the key `name` stands in the map `section` of a workflow; nothing where it does not.
std::optional<line_column> locate(std::string_view text, text_format format,
                                  std::string_view section, std::string_view name) {
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  const source_text source(text);
  findings found(source);
  const auto document = parse_document(found, format);
  const auto* holder = member_of(document ? &*document : nullptr, section);
  const auto* member = member_of(holder == nullptr ? nullptr : &holder->value, name);
  if (member == nullptr)
    return std::nullopt;
  return source.locate(member->key_offset);
}

/// A fault for each archive of an image that would travel and is not there, at the first task that names it.
std::vector<diagnostic> missing_archives(const core::workflow& work, std::string_view text,
                                         const std::filesystem::path& file) {
  std::vector<diagnostic> out;
  std::set<std::string_view> seen;
  for (const core::task_spec& task : work.tasks) {
    const std::string* const name = core::carried_archive(task.sandbox);
    if (name == nullptr || !seen.insert(*name).second)
      continue;
    const auto archive = open_archive(*name, file.parent_path() / *name);
    if (archive)
      continue;
    diagnostic fault{.code = std::string(codes::image_unreadable),
                     .file = file.string(),
                     .field = fmt::format("tasks.{}.sandbox.image", task.name),
                     .message = archive.error().message,
                     .remedy = "correct the path, which counts from the folder of this file; an "
                               "absolute one is looked for on each node"};
    if (const auto at = locate(text, format_of(file), "tasks", task.name)) {
      fault.line = at->line;
      fault.column = at->column;
    }
    out.push_back(std::move(fault));
  }
  return out;
}

} // namespace

std::string to_string(const diagnostic& x) {
  std::string out = x.file;
  if (x.line > 0)
    out += fmt::format(":{}:{}", x.line, x.column);
  if (!x.field.empty())
    out += ": " + x.field;
  out += fmt::format(": {} [{}]", x.message, x.code);
  if (!x.remedy.empty())
    out += "\n  " + x.remedy;
  return out;
}

parsed<core::workflow> parse_workflow(std::string_view text, const std::string& file_name,
                                      text_format format) {
  return parse(text, file_name, format, nullptr);
}

parsed<core::workflow> read_workflow(const std::filesystem::path& file) {
  const auto name = file.string();
  // One byte more, so that `parse` tells of a file that is too large.
  auto text = read_file(file, file_bytes_max + 1);
  if (!text && text.error().code == core::errc::not_found)
    return tl::unexpected(whole_file(codes::file_unreadable, name,
                                     fmt::format("there is no file {}", name),
                                     "check the path; it counts from the current folder"));
  if (!text) {
    const bool large = text.error().code == core::errc::limit_exceeded;
    return tl::unexpected(whole_file(
        large ? codes::file_too_large : codes::file_unreadable, name, text.error().message,
        large ? "keep data in files of its own and name them under `files`"
              : "check the path and its permissions"));
  }
  const auto format = format_of(file);
  const auto folder = file.parent_path();
  auto out = parse(*text, name, format, &folder);
  if (out)
    if (auto missing = missing_archives(*out, *text, file); !missing.empty())
      return tl::unexpected(std::move(missing));
  if (format == text_format::json && !out)
    for (auto& one : out.error())
      if (one.code == codes::json_syntax)
        one.remedy +=
            "; the file was read as JSON because its name ends in .json, call it .yaml if "
            "it is YAML";
  return out;
}

std::string place_of(const std::filesystem::path& file, std::string_view section,
                     std::string_view name) {
  const auto read = read_file(file, file_bytes_max);
  const auto at = read ? locate(*read, format_of(file), section, name) : std::nullopt;
  return at ? fmt::format("{}:{}:{}", file.string(), at->line, at->column) : file.string();
}

} // namespace maze::io
