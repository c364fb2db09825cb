#include "maze/io/workflow_reader.hpp"

#include "maze/core/manifest.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/suggestion.hpp"
#include "maze/io/function_reader.hpp"
#include "maze/io/library_folder.hpp"
#include "maze/io/parameter_values.hpp"
#include "maze/io/run_sources.hpp"
#include "maze/io/sync_reader.hpp"
#include "maze/io/task_reader.hpp"
#include "maze/io/workflow_codes.hpp"
#include "maze/io/workflow_links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

namespace maze::io {

namespace {

constexpr std::int64_t format_version = 1;
constexpr std::string_view secret_prefix = "env:";
/// Whatever the variable of a secret holds is text.
constexpr std::string_view secret_type = "string";

bool is_variable_name(std::string_view name) {
  return core::is_name(name) && name.find('-') == std::string_view::npos;
}

/// Whether some functions, and no other tasks, take the output of `defaults`.
bool functions_alone_inherit_output(const document_node& tasks) {
  bool found = false;
  for (const auto& task : tasks.as_map() != nullptr ? *tasks.as_map() : document_node::map()) {
    const auto* members = task.value.as_map();
    if (members == nullptr || find_member(*members, "output") != nullptr)
      continue;
    const auto* kind = find_kind(*members);
    if (kind == nullptr || !is_function_kind(kind->key))
      return false;
    found = true;
  }
  return found;
}

class workflow_reader {
public:
  workflow_reader(findings& found, const document_node& root, const std::filesystem::path* folder)
      : found_(found), read_(found), root_(root), folder_(folder) {}

  core::workflow run() {
    const auto* members = read_.map(root_, root_field_);
    if (members == nullptr || !version(*members))
      return {};
    const auto meant = read_.check_keys(root_, workflow_section::workflow, root_field_);
    if (std::find(meant.begin(), meant.end(), "context") != meant.end())
      context_.complete = false;
    // Defaults first: they may stand behind the tasks.
    const auto* tasks = find_member(*members, "tasks");
    defaults_.of_functions = tasks != nullptr && functions_alone_inherit_output(tasks->value);
    if (const auto* defaults = find_member(*members, "defaults"))
      this->defaults(defaults->value, root_field_ / "defaults");
    for (const auto& member : *members)
      section(member, root_field_ / member.key);
    check_links(found_, tasks_, result_);
    check_parameters(found_, tasks_, context_);
    if (std::find(meant.begin(), meant.end(), "libraries") == meant.end())
      check_libraries();
    for (auto& task : tasks_)
      out_.tasks.push_back(std::move(task.spec));
    return std::move(out_);
  }

private:
  bool version(const document_node::map& members);
  void section(const document_member& member, const field_path& field);
  void name(const document_node& node, const field_path& field);
  void context(const document_node& node, const field_path& field);
  void secret(const document_node& node, const field_path& field, core::context_source& out);
  void files(const document_node& node, const field_path& field);
  core::file_source file(const document_node& node, const field_path& field);
  void target(const document_node& node, const field_path& field, core::file_source& out);
  void defaults(const document_node& node, const field_path& field);
  void tasks(const document_node& node, const field_path& field);
  void result(const document_node& node, const field_path& field);
  void libraries(const document_node& node, const field_path& field);
  void library(const document_member& member, const field_path& field);
  void library_folder(const document_node& node, const field_path& field);
  void keep_used_libraries();
  void check_libraries();

  findings& found_;
  node_reader read_;
  const document_node& root_;
  const std::filesystem::path* folder_;
  field_path root_field_;
  task_attributes defaults_;
  std::vector<read_task_result> tasks_;
  std::optional<reference_site> result_;
  read_context context_;
  bool libraries_read_ = true;
  struct library_folder_site {
    std::size_t offset = 0;
    std::string field;
    std::set<std::string, std::less<>> ambiguous;
  };
  /// Where the folder of the libraries is named, if it is one.
  std::optional<library_folder_site> library_folder_;
  core::workflow out_;
};

/// What helps against a library that cannot be opened; `otherwise` where it is not there or no library.
std::string remedy_of(const core::error& why, std::string_view otherwise) {
  switch (why.code) {
  case core::errc::limit_exceeded:
    return "build it without debug information, or in parts";
  case core::errc::permission_denied:
    return "let the user that starts this read it";
  default:
    return std::string(otherwise);
  }
}

/// Another version of the format may mean anything by the rest, so nothing else is read then.
bool workflow_reader::version(const document_node::map& members) {
  const auto* member = find_member(members, "maze");
  if (member == nullptr)
    return true;
  const auto field = root_field_ / "maze";
  const auto* text = member->value.as_scalar();
  if (text == nullptr || *text != "1" || !member->value.plain) {
    const auto number = read_.integer(
        member->value, field,
        {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()});
    if (!number)
      return true;
    read_.report(
        codes::unsupported_version, member->value.offset, field,
        fmt::format("this program reads version {} of the format, not {}", format_version, *number),
        fmt::format("write `maze: {}`, or use the program that knows version {}", format_version,
                    *number));
    return false;
  }
  return true;
}

void workflow_reader::section(const document_member& member, const field_path& field) {
  const auto& node = member.value;
  if (member.key == "name")
    name(node, field);
  else if (member.key == "context")
    context(node, field);
  else if (member.key == "files")
    files(node, field);
  else if (member.key == "libraries")
    libraries(node, field);
  else if (member.key == "tasks")
    tasks(node, field);
  else if (member.key == "collect")
    out_.collect = read_globs(read_, node, field);
  else if (member.key == "conflicts")
    read_conflicts(read_, node, field, out_.rules);
  else if (member.key == "sync")
    read_sync(read_, node, field, out_.rules);
  else if (member.key == "result")
    result(node, field);
}

void workflow_reader::name(const document_node& node, const field_path& field) {
  auto text = read_.text(node, field);
  if (text && read_.check_name(*text, node.offset, field, "a workflow"))
    out_.name = *std::move(text);
}

void workflow_reader::context(const document_node& node, const field_path& field) {
  const auto* members = read_.map(node, field);
  context_.complete = members != nullptr;
  if (members == nullptr)
    return;
  for (const auto& member : *members) {
    const auto here = field / member.key;
    read_.check_name(member.key, member.key_offset, here, "a context entry");
    core::context_source source;
    auto& site = context_.entries[member.key];
    site.offset = member.value.offset;
    const auto* parts = member.value.as_map();
    if (parts != nullptr && find_member(*parts, "secret") != nullptr) {
      site.type = secret_type;
      secret(member.value, here, source);
    } else if (auto value = read_.value(member.value, here)) {
      site.type = core::type_name(*value);
      source.content = *std::move(value);
    }
    out_.context.insert_or_assign(member.key, std::move(source));
  }
}

void workflow_reader::secret(const document_node& node, const field_path& field,
                             core::context_source& out) {
  read_.check_keys(node, workflow_section::secret, field);
  const auto here = field / "secret";
  const auto& value = find_member(*node.as_map(), "secret")->value;
  const auto text = read_.text(value, here);
  if (!text)
    return;
  const auto name = text->starts_with(secret_prefix)
                        ? std::string_view(*text).substr(secret_prefix.size())
                        : std::string_view();
  if (is_variable_name(name))
    out.secret_variable = name;
  else
    // The text itself is not repeated: someone may have written the secret here.
    read_.report(codes::bad_secret, value.offset, here,
                 "a secret names an environment variable of the process that submits",
                 "write {secret: env:NAME} and keep the secret itself out of the file");
}

void workflow_reader::files(const document_node& node, const field_path& field) {
  const auto* items = read_.list(node, field);
  if (items == nullptr)
    return;
  for (std::size_t i = 0; i < items->size(); ++i)
    out_.files.push_back(file((*items)[i], field[i]));
}

core::file_source workflow_reader::file(const document_node& node, const field_path& field) {
  core::file_source out;
  const auto from = [&](const document_node& path, const field_path& here) {
    out.from = read_.text(path, here).value_or("");
    if (out.from.empty() && path.as_scalar() != nullptr && !path.plain)
      read_.report(codes::bad_path, path.offset, here, "the path is empty",
                   "write a path relative to this file, or an absolute one");
  };
  const auto* members = node.as_map();
  if (members == nullptr) {
    from(node, field);
    return out;
  }
  read_.check_keys(node, workflow_section::file, field);
  for (const auto& member : *members) {
    const auto here = field / member.key;
    if (member.key == "from")
      from(member.value, here);
    else if (member.key == "to")
      target(member.value, here, out);
    else if (member.key == "except")
      out.except = read_globs(read_, member.value, here);
    else if (member.key == "match")
      if (auto pattern = read_.text(member.value, here))
        if (check_glob(read_, *pattern, member.value.offset, here))
          out.match = *std::move(pattern);
  }
  return out;
}

void workflow_reader::target(const document_node& node, const field_path& field,
                             core::file_source& out) {
  const auto text = read_.text(node, field);
  if (!text)
    return;
  const auto path = text->ends_with('/') ? text->substr(0, text->size() - 1) : *text;
  const auto sound = core::check_path(path);
  if (sound)
    out.to = *text;
  else
    read_.report(codes::bad_path, node.offset, field, sound.error().message,
                 "write a relative path inside the taskspace, with `/` behind it for a folder");
}

void workflow_reader::defaults(const document_node& node, const field_path& field) {
  const auto* members = read_.map(node, field);
  if (members == nullptr)
    return;
  read_.check_keys(node, workflow_section::defaults, field);
  defaults_ = read_attributes(read_, *members, field, std::move(defaults_));
}

void workflow_reader::tasks(const document_node& node, const field_path& field) {
  const auto* members = read_.map(node, field);
  if (members == nullptr)
    return;
  if (members->empty())
    read_.report(codes::no_tasks, node.offset, field, "the workflow has no task",
                 "add one: `name: {command: [program], output: {run: dict}}`");
  for (const auto& member : *members)
    tasks_.push_back(read_task(read_, member, field / member.key, defaults_));
}

void workflow_reader::result(const document_node& node, const field_path& field) {
  expression_sites sites;
  out_.result = expression_reader(read_, sites).reference(node, field);
  if (!sites.references.empty())
    result_ = std::move(sites.references.front());
}

void workflow_reader::libraries(const document_node& node, const field_path& field) {
  if (node.as_scalar() != nullptr && !node.is_absent())
    return library_folder(node, field);
  const auto* members = read_.map(node, field);
  libraries_read_ = members != nullptr;
  if (members == nullptr)
    return;
  for (const auto& member : *members)
    library(member, field / member.key);
}

void workflow_reader::library_folder(const document_node& node, const field_path& field) {
  const auto path = read_.text(node, field);
  if (path && path->empty())
    read_.report(codes::bad_path, node.offset, field, "the path is empty",
                 "write the path of a folder with shared objects, relative to this file");
  out_.library_folder = path.value_or("");
  // Without a folder to count from nobody knows what lies there.
  libraries_read_ = path && !path->empty() && folder_ != nullptr;
  if (!libraries_read_)
    return;
  auto found = list_libraries(*folder_ / *path);
  if (!found) {
    libraries_read_ = false;
    read_.report(codes::library_unreadable, node.offset, field, std::move(found.error().message),
                 "write the folder's path, relative to this file, or a map of names and files");
    return;
  }
  library_folder_ = library_folder_site{node.offset, field.text(), std::move(found->ambiguous)};
  for (const auto& [name, file] : found->files)
    out_.libraries.emplace(name, (std::filesystem::path(*path) / file).native());
}

void workflow_reader::library(const document_member& member, const field_path& field) {
  read_.check_name(member.key, member.key_offset, field, "a library");
  auto path = read_.text(member.value, field).value_or("");
  if (path.empty() && member.value.as_scalar() != nullptr && !member.value.plain)
    read_.report(codes::bad_path, member.value.offset, field, "the path is empty",
                 "write the path of a shared object, relative to this file");
  if (folder_ != nullptr && !path.empty())
    if (auto library = open_library(member.key, *folder_ / path); !library)
      read_.report(
          codes::library_unreadable, member.value.offset, field, std::move(library.error().message),
          remedy_of(
              library.error(),
              "build it first, or correct the path, which counts from the folder of this file"));
  out_.libraries.insert_or_assign(member.key, std::move(path));
}

void workflow_reader::check_libraries() {
  std::vector<std::string_view> names;
  for (const auto& [name, path] : out_.libraries)
    names.emplace_back(name);
  for (const auto& task : tasks_)
    if (const auto& site = task.library;
        site && libraries_read_ && !out_.libraries.contains(site->name))
      found_.report({codes::unknown_library, site->offset, site->field,
                     fmt::format("no library is named {}", site->name),
                     names.empty() && library_folder_ ? fmt::format(
                         "put lib{}.so into the folder that `libraries` names; Python "
                         "files are named by `python:`",
                         site->name)
                     : names.empty()
                         ? fmt::format("name its file: `libraries: {{{0}: lib{0}.so}}`", site->name)
                         : core::did_you_mean(site->name, names, "the libraries are")});
  keep_used_libraries();
}

/// Only what tasks name travels with the run, and of a folder only that has to be sound.
void workflow_reader::keep_used_libraries() {
  std::set<std::string_view> used;
  for (const auto& task : tasks_)
    if (task.library)
      used.insert(task.library->name);
  std::erase_if(out_.libraries, [&](const auto& each) { return used.count(each.first) == 0; });
  if (!library_folder_)
    return;
  const auto report = [this](std::string why, std::string remedy) {
    found_.report({codes::library_unreadable, library_folder_->offset, library_folder_->field,
                   std::move(why), std::move(remedy)});
  };
  for (const auto& [name, path] : out_.libraries) {
    if (auto library = open_library(name, *folder_ / path); !library)
      report(std::move(library.error().message),
             remedy_of(library.error(), "build it anew, or take it away"));
    if (library_folder_->ambiguous.contains(name))
      out_.warnings.push_back(
          fmt::format("of several files for the library {}, {} counts: its name comes last", name,
                      core::printable(path)));
  }
}

} // namespace

core::workflow read_workflow_document(findings& found, const document_node& root,
                                      const std::filesystem::path* folder) {
  return workflow_reader(found, root, folder).run();
}

} // namespace maze::io
