#include "maze/io/output_reader.hpp"

#include "maze/core/suggestion.hpp"
#include "maze/io/amount_reader.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <array>

namespace maze::io {

namespace {

/// The declared type of one output, `any` where none is written; nothing where it is wrong.
std::optional<std::string> read_output_type(const node_reader& read, const document_node& node,
                                            const field_path& field) {
  if (const auto* members = node.as_map()) {
    read.check_keys(node, workflow_section::output, field);
    const auto* type = find_member(*members, "type");
    return type == nullptr ? "any" : read_type(read, type->value, field / "type");
  }
  if (node.is_absent() || is_written_null(node))
    return "any";
  return read_type(read, node, field);
}

/// Whether the output can be what a command gives: all of it, or one part of that.
bool check_output(const node_reader& read, const document_member& member, const field_path& field,
                  const std::optional<std::string>& type, core::output_form form) {
  if (form == core::output_form::one) {
    if (type && *type != "dict" && *type != "any")
      read.report(
          codes::output_type_mismatch, member.value.offset, field,
          fmt::format("a command's output is a dictionary, it cannot be {}", *type),
          "write dict; exit_code, stdout and stderr lie inside it, and with `outputs: many` "
          "each is an output of its own");
    return true;
  }
  const auto types = core::command_part_types(member.key);
  if (types.empty())
    read.report(codes::unknown_output_part, member.key_offset, field,
                fmt::format("the output of a command has no part {}", member.key),
                core::did_you_mean(member.key, core::command_parts, "its parts are"));
  else if (type && !core::command_part_accepts(member.key, *type))
    read.report(codes::output_type_mismatch, member.value.offset, field,
                fmt::format("{} cannot be {}", member.key, *type),
                fmt::format("write {}", fmt::join(types, ", ")));
  return !types.empty();
}

} // namespace

void read_form(const node_reader& read, const document_node::map& members, const field_path& field,
               task_attributes& out) {
  using core::output_form;
  static constexpr std::array<std::string_view, 2> words{"one", "many"};
  const auto* member = find_member(members, "outputs");
  if (member == nullptr)
    return;
  const auto here = field / member->key;
  if (member->value.as_map() != nullptr)
    read.report(codes::expected_text, member->value.offset, here,
                "one or many belongs here, not a map",
                "did you mean `output`? `outputs` says whether there are several");
  const auto chosen = member->value.as_map() == nullptr
                          ? read.choice(member->value, here, words, "the forms are")
                          : std::nullopt;
  out.form_broken = !chosen;
  if (!chosen) {
    out.output.reset();
    out.output_broken = true;
    return;
  }
  const auto form = *chosen == 0 ? output_form::one : output_form::many;
  if (form != out.form && out.output && find_member(members, "output") == nullptr) {
    read.report(codes::output_missing, member->value.offset, here,
                fmt::format("the output of `defaults` was declared for `outputs: {}`",
                            words.at(1 - *chosen)),
                "declare `output` here as well");
    out.output.reset();
    out.output_broken = true;
  }
  out.form = form;
}

void read_output(const node_reader& read, const document_node& node, const field_path& field,
                 task_attributes& out) {
  out.output.reset();
  out.output_broken = true;
  const auto* members = out.form_broken ? nullptr : read.map(node, field);
  if (members == nullptr)
    return;
  const bool one = out.form == core::output_form::one;
  if (members->empty()) {
    read.report(codes::output_missing, node.offset, field, "no output is declared here",
                one ? "declare exactly one, for example {run: dict}"
                    : "declare one or more, for example {stdout: string}");
    return;
  }
  if (one && members->size() > 1)
    read.report(codes::output_not_single, (*members)[1].key_offset, field / (*members)[1].key,
                fmt::format("{} outputs are declared, a task has exactly one", members->size()),
                "keep one, a dictionary can hold several things; or write `outputs: many`");
  core::task_output made{.form = out.form, .keys = {}};
  bool sound = !one || members->size() == 1;
  for (const auto& member : *members) {
    const auto here = field / member.key;
    sound &= read.check_name(member.key, member.key_offset, here, "an output");
    const auto type = read_output_type(read, member.value, here);
    if (!out.of_functions)
      sound &= check_output(read, member, here, type, out.form);
    made.keys.push_back({member.key, type.value_or("any")});
    if (one)
      break;
  }
  if (sound) {
    out.output = std::move(made);
    out.output_broken = false;
  }
}

} // namespace maze::io
