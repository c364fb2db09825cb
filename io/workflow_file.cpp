#include "maze/io/workflow_file.hpp"

#include "maze/io/document.hpp"
#include "maze/io/files.hpp"
#include "maze/io/node_reader.hpp"
#include "maze/io/workflow_codes.hpp"
#include "maze/io/workflow_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

/// An image that is named as the archive files are is one, and its path counts from the folder of the workflow.
void find_archive(core::sandbox_spec& sandbox, const std::filesystem::path& workflow) {
  constexpr std::array<std::string_view, 5> endings{".tar", ".tar.gz", ".tgz", ".tar.xz",
                                                    ".tar.zst"};
  if (sandbox.image && std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
        return sandbox.image->ends_with(ending);
      }))
    sandbox.image = (std::filesystem::absolute(workflow).parent_path() / *sandbox.image)
                        .lexically_normal()
                        .native();
}

/// The member of a map that may not be there.
const document_member* member_of(const document_node* in, std::string_view key) {
  const auto* members = in == nullptr ? nullptr : in->as_map();
  return members == nullptr ? nullptr : find_member(*members, key);
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
    for (core::task_spec& task : out->tasks)
      find_archive(task.sandbox, file);
  if (format == text_format::json && !out)
    for (auto& one : out.error())
      if (one.code == codes::json_syntax)
        one.remedy +=
            "; the file was read as JSON because its name ends in .json, call it .yaml if "
            "it is YAML";
  return out;
}

std::string place_of_task(const std::filesystem::path& file, std::string_view task) {
  const auto name = file.string();
  const auto read = read_file(file, file_bytes_max);
  if (!read)
    return name;
  std::string_view text = *read;
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  const source_text source(text);
  findings found(source);
  const auto document = parse_document(found, format_of(file));
  const auto* tasks = member_of(document ? &*document : nullptr, "tasks");
  const auto* member = member_of(tasks == nullptr ? nullptr : &tasks->value, task);
  if (member == nullptr)
    return name;
  const auto [line, column] = source.locate(member->key_offset);
  return fmt::format("{}:{}:{}", name, line, column);
}

} // namespace maze::io
