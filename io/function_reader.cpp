#include "maze/io/function_reader.hpp"

#include "maze/core/manifest.hpp"
#include "maze/core/reference.hpp"
#include "maze/io/base64.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace maze::io {

namespace {

constexpr std::array<std::string_view, 8> kinds{
    "command", "shell", "function", "python", "code", "code_str", "pickle", "serialized_code"};
/// Calls of a child, which counts them in 32 bits.
constexpr integer_bounds calls_bounds{1, std::numeric_limits<std::uint32_t>::max()};
constexpr std::string_view blank = " \t\r\n";

/// Hyphens are for names of ours: a function of Python has none in its name. Dots lead into classes.
bool is_entry(std::string_view entry) {
  const auto dot = entry.find('.');
  const auto first = entry.substr(0, dot);
  return core::is_name(first) && first.find('-') == std::string_view::npos
         && (dot == std::string_view::npos || is_entry(entry.substr(dot + 1)));
}

bool is_code(std::string_view kind) noexcept { return kind == "code" || kind == "code_str"; }

bool check_entry(const node_reader& read, std::string_view entry, std::size_t offset,
                 const field_path& field) {
  if (is_entry(entry))
    return true;
  read.report(codes::bad_function, offset, field,
              fmt::format("\"{}\" cannot name a Python function", entry),
              "use letters, digits and `_`, not beginning with a digit; `Class.function` leads "
              "into a class");
  return false;
}

std::optional<read_function_result>
read_library_function(const node_reader& read, const document_node& node, const field_path& field) {
  auto text = read.text(node, field);
  if (!text)
    return std::nullopt;
  const auto dot = std::min(text->find('.'), text->size());
  core::function_action made{text->substr(0, dot), text->substr(std::min(dot + 1, text->size()))};
  if (!core::is_name(made.library) || !core::is_name(made.function)) {
    read.report(codes::bad_function, node.offset, field,
                fmt::format("\"{}\" is no library and function", *text),
                "write library.function, for example text.count");
    return std::nullopt;
  }
  named_site library{made.library, node.offset, field.text()};
  return read_function_result{std::move(made), std::move(library)};
}

std::optional<read_function_result>
read_python_file(const node_reader& read, const document_node& node, const field_path& field) {
  auto text = read.text(node, field);
  if (!text)
    return std::nullopt;
  core::python_action made{.source = core::python_source::file, .text = {}, .entry = {}};
  const auto colon = text->rfind(':');
  made.text = text->substr(0, colon);
  if (auto sound = core::check_path(made.text); !sound) {
    read.report(codes::bad_path, node.offset, field, std::move(sound.error().message),
                "write the path of a Python file below this one, for example plot.py:draw");
    return std::nullopt;
  }
  if (colon != std::string::npos) {
    made.entry = text->substr(colon + 1);
    if (!check_entry(read, made.entry, read.offset_inside(node, colon + 1), field))
      return std::nullopt;
  }
  return read_function_result{std::move(made), std::nullopt};
}

std::optional<read_function_result> read_code(const node_reader& read, const document_member& kind,
                                              const document_node::map& members,
                                              const field_path& field) {
  core::python_action made{.source = core::python_source::code, .text = {}, .entry = {}};
  if (const auto* entry = find_member(members, "entry")) {
    const auto here = field / "entry";
    auto name = read.text(entry->value, here);
    if (name && check_entry(read, *name, entry->value.offset, here))
      made.entry = *std::move(name);
  }
  auto text = read.text(kind.value, field / kind.key);
  if (!text)
    return std::nullopt;
  if (text->find_first_not_of(blank) == std::string::npos) {
    read.report(codes::empty_script, kind.value.offset, field / kind.key,
                "the Python code is empty",
                "write a function, for example `def main(n): return n + 1`");
    return std::nullopt;
  }
  made.text = *std::move(text);
  return read_function_result{std::move(made), std::nullopt};
}

std::optional<read_function_result> read_pickle(const node_reader& read, const document_node& node,
                                                const field_path& field) {
  auto text = read.text(node, field);
  if (!text)
    return std::nullopt;
  // Programs that write base 64 for people break its lines.
  std::erase_if(*text, [](char c) { return blank.find(c) != std::string_view::npos; });
  if (text->empty() || !from_base64(*text)) {
    read.report(codes::bad_pickle, node.offset, field, "the pickled function is not base 64",
                "write what base64.b64encode(cloudpickle.dumps(function)) gives");
    return std::nullopt;
  }
  return read_function_result{
      core::python_action{core::python_source::pickle, *std::move(text), {}}, std::nullopt};
}

} // namespace

std::span<const std::string_view> task_kinds() noexcept { return kinds; }

bool is_function_kind(std::string_view kind) noexcept {
  return std::find(kinds.begin() + 2, kinds.end(), kind) != kinds.end();
}

const document_member* find_kind(const document_node::map& members) noexcept {
  for (const auto& member : members)
    if (std::find(kinds.begin(), kinds.end(), member.key) != kinds.end())
      return &member;
  return nullptr;
}

std::optional<read_function_result> read_function(const node_reader& read,
                                                  const document_member& kind,
                                                  const document_node::map& members,
                                                  const field_path& field) {
  const auto here = field / kind.key;
  if (kind.key == "function")
    return read_library_function(read, kind.value, here);
  if (kind.key == "python")
    return read_python_file(read, kind.value, here);
  if (is_code(kind.key))
    return read_code(read, kind, members, field);
  return read_pickle(read, kind.value, here);
}

void check_function_keys(const node_reader& read, std::string_view kind,
                         const document_node::map& members, const field_path& field) {
  const auto refuse = [&](std::string_view key, std::string_view why, std::string_view remedy) {
    if (const auto* member = find_member(members, key))
      read.report(codes::key_of_other_kind, member->key_offset, field / key, std::string(why),
                  std::string(remedy));
  };
  if (is_function_kind(kind))
    refuse("ok_exit", "a function has no exit status", "remove it; a function fails by raising");
  else
    for (const char* key : {"child", "max_calls"})
      refuse(key, "a command always has a child of its own", "remove it");
  if (kind == "python")
    refuse("entry", "a Python file names its function itself", "write `python: plot.py:draw`");
  else if (!is_code(kind))
    refuse("entry", fmt::format("a {} task has no entry", kind), "remove it; `code` has one");
}

void refuse_keys_of_fresh(const node_reader& read, const document_node::map& members,
                          const field_path& field) {
  for (const char* key : {"env", "publishes", "deletes", "reads", "writes"})
    if (const auto* member = find_member(members, key))
      read.report(codes::key_of_other_kind, member->key_offset, field / key,
                  std::string_view(key) == "env"
                      ? "a child that serves many calls has no environment of one task"
                      : "a child that serves many calls has no files",
                  "remove it, or leave the child fresh");
}

core::child_use read_child(const node_reader& read, const document_node::map& members,
                           const field_path& field) {
  using core::child_use;
  static constexpr std::array<std::string_view, 3> words{"fresh", "warm", "forked"};
  const auto* member = find_member(members, "child");
  if (member == nullptr)
    return child_use::fresh;
  const auto chosen = read.choice(member->value, field / "child", words, "the children are");
  if (chosen.value_or(0) > 0 && find_member(members, "python") != nullptr)
    read.report(codes::key_of_other_kind, member->value.offset, field / "child",
                "only a fresh child has files, so no other can read a Python file",
                "write the code itself with `code`, or leave the child fresh");
  static constexpr std::array uses{child_use::fresh, child_use::warm, child_use::forked};
  return uses.at(chosen.value_or(0));
}

std::uint32_t read_calls_max(const node_reader& read, const document_node::map& members,
                             const field_path& field, core::child_use child) {
  const auto* member = find_member(members, "max_calls");
  if (member == nullptr)
    return 0;
  const auto here = field / "max_calls";
  const auto calls = read.integer(member->value, here, calls_bounds);
  if (core::is_kept(child))
    return static_cast<std::uint32_t>(calls.value_or(0));
  const auto* said = find_member(members, "child");
  // Another word has been found wrong already.
  if (said != nullptr
      && (said->value.as_scalar() == nullptr || *said->value.as_scalar() != "fresh"))
    return 0;
  read.report(codes::key_of_other_kind, member->key_offset, here,
              "a fresh child makes one call and ends",
              "remove it, or write `child: warm` or `child: forked`");
  return 0;
}

} // namespace maze::io
