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

/// Where things stand in a text that was read before.
class document_places {
public:
  document_places(std::string_view text, text_format format)
      : source_(text.substr(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0)),
        found_(source_),
        document_(parse_document(found_, format)) {}
  document_places(const document_places&) = delete;
  document_places& operator=(const document_places&) = delete;

  /// Of the key `name` in the map `section` of a workflow; nothing where it is not there.
  [[nodiscard]] std::optional<line_column> key(std::string_view section,
                                               std::string_view name) const {
    const auto* holder = member_of(root(), section);
    const auto* member = member_of(holder == nullptr ? nullptr : &holder->value, name);
    return member == nullptr ? std::nullopt : std::optional(source_.locate(member->key_offset));
  }
  /// The same of an element of the list `section`.
  [[nodiscard]] std::optional<line_column> element(std::string_view section,
                                                   std::size_t index) const {
    const auto* holder = member_of(root(), section);
    const auto* items = holder == nullptr ? nullptr : holder->value.as_list();
    return items == nullptr || index >= items->size()
               ? std::nullopt
               : std::optional(source_.locate((*items)[index].offset));
  }

private:
  [[nodiscard]] const document_node* root() const { return document_ ? &*document_ : nullptr; }

  source_text source_;
  findings found_;
  std::optional<document_node> document_;
};

/// Looks at what a workflow that was read names beside its file.
class neighbour_check {
public:
  neighbour_check(const core::workflow& work, std::string_view text,
                  const std::filesystem::path& file)
      : work_(work), text_(text), file_(file) {}

  std::vector<diagnostic> run() && {
    archives();
    images();
    sources();
    scripts();
    return std::move(out_);
  }

private:
  /// Each archive of an image that would travel, at the first task that names it.
  void archives() {
    std::set<std::string_view> seen;
    for (const core::task_spec& task : work_.tasks) {
      const std::string* const name = core::carried_archive(task.sandbox);
      if (name == nullptr || !seen.insert(*name).second)
        continue;
      if (const auto archive = open_archive(*name, beside(*name)); !archive)
        report(codes::image_unreadable, places().key("tasks", task.name),
               fmt::format("tasks.{}.sandbox.image", task.name), archive.error().message,
               "correct the path, which counts from the folder of this file; an absolute one is "
               "looked for on each node");
    }
  }
  /// Files that somebody takes for archives, of which none is called so.
  void images() {
    std::set<std::string_view> seen;
    std::error_code unknown;
    for (const core::task_spec& task : work_.tasks) {
      const auto& image = task.sandbox.image;
      if (image && !core::is_archive(*image) && image->find('.') != std::string::npos
          && std::filesystem::is_regular_file(beside(*image), unknown)
          && seen.insert(*image).second)
        report(codes::image_unreadable, places().key("tasks", task.name),
               fmt::format("tasks.{}.sandbox.image", task.name),
               fmt::format("{} is a file here, but is not called as archives are", *image),
               "give an archive a name that ends with .tar, .tar.gz, .tgz, .tar.xz or .tar.zst; an "
               "image of that name is meant with its registry in front");
    }
  }
  void sources() {
    for (std::size_t i = 0; i < work_.files.size(); ++i)
      // What stands for several files at once is told of with its remedy as they are taken.
      if (const std::string& from = work_.files[i].from;
          from.find_first_of("*?[") == std::string::npos && is_missing(from))
        report(codes::source_missing, places().element("files", i), fmt::format("files[{}]", i),
               fmt::format("{} is not there (looked for {})", from, beside(from).native()),
               "write a path from the folder of this file, or an absolute one");
  }
  /// Python files, unless `files` may bring them.
  void scripts() {
    for (const core::task_spec& task : work_.tasks)
      if (const auto* python = std::get_if<core::python_action>(&task.action);
          python != nullptr && python->source == core::python_source::file && work_.files.empty()
          && is_missing(python->text))
        report(codes::source_missing, places().key("tasks", task.name),
               fmt::format("tasks.{}.python", task.name),
               fmt::format("{} is not there (looked for {})", python->text,
                           beside(python->text).native()),
               "write a path from the folder of this file, or one to which `files` brings "
               "something");
  }

  const document_places& places() {
    return places_ ? *places_ : places_.emplace(text_, format_of(file_));
  }
  [[nodiscard]] std::filesystem::path beside(const std::string& path) const {
    return file_.parent_path() / path;
  }
  [[nodiscard]] bool is_missing(const std::string& path) const {
    std::error_code unknown;
    return std::filesystem::symlink_status(beside(path), unknown).type()
           == std::filesystem::file_type::not_found;
  }
  void report(std::string_view code, const std::optional<line_column>& at, std::string field,
              std::string message, std::string remedy) {
    if (out_.size() < findings::count_max)
      out_.push_back({std::string(code), file_.string(), at ? at->line : 0, at ? at->column : 0,
                      std::move(field), std::move(message), std::move(remedy)});
  }

  const core::workflow& work_;
  const std::string_view text_;
  const std::filesystem::path& file_;
  /// Of use for those only who are told of something.
  std::optional<document_places> places_;
  std::vector<diagnostic> out_;
};

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
    if (auto missing = neighbour_check(*out, *text, file).run(); !missing.empty())
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
  const auto at = read ? document_places(*read, format_of(file)).key(section, name) : std::nullopt;
  return at ? fmt::format("{}:{}:{}", file.string(), at->line, at->column) : file.string();
}

} // namespace maze::io
