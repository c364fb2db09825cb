#include "maze/io/task_attributes.hpp"

#include "maze/core/printable.hpp"
#include "maze/core/reference.hpp"
#include "maze/io/amount_reader.hpp"
#include "maze/io/identity.hpp"
#include "maze/io/output_reader.hpp"
#include "maze/io/sandbox_reader.hpp"
#include "maze/io/value_types.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace maze::io {

namespace {

constexpr integer_bounds gpu_bounds{0, std::numeric_limits<std::uint32_t>::max()};
constexpr integer_bounds retry_bounds{0, 100};
constexpr integer_bounds priority_bounds{-20, 20};
constexpr integer_bounds exit_bounds{0, 255};

void read_cpus(const node_reader& read, const document_node& node, const field_path& field,
               core::resources& needs) {
  constexpr double millis_max = std::numeric_limits<std::uint32_t>::max();
  const auto cores = read.number(node, field);
  if (!cores)
    return;
  const double millis = std::round(*cores * 1000);
  if (millis < 1 || millis > millis_max || std::abs(*cores * 1000 - millis) > 1e-6 * millis) {
    read.report(codes::out_of_range, node.offset, field,
                fmt::format("{} is no number of cores", *node.as_scalar()),
                "write thousandths of a core from 0.001 up, for example 0.5 or 4");
    return;
  }
  needs.cpu_millis = static_cast<std::uint32_t>(millis);
}

bool is_variable_name(std::string_view name) {
  return core::is_name(name) && name.find('-') == std::string_view::npos;
}

void read_environment(const node_reader& read, const document_node& node, const field_path& field,
                      std::map<std::string, std::string>& environment) {
  const auto* members = read.map(node, field);
  if (members == nullptr)
    return;
  for (const auto& member : *members) {
    const auto here = field / member.key;
    if (!is_variable_name(member.key))
      read.report(codes::bad_variable_name, member.key_offset, here,
                  fmt::format("\"{}\" cannot name an environment variable", member.key),
                  "use letters, digits and `_`, not beginning with a digit");
    if (auto text = read.text(member.value, here))
      environment.insert_or_assign(member.key, *std::move(text));
  }
}

void read_ok_exit(const node_reader& read, const document_node& node, const field_path& field,
                  std::vector<std::int32_t>& ok_exit) {
  const auto* items = read.list(node, field);
  if (items == nullptr)
    return;
  ok_exit = {0};
  for (std::size_t i = 0; i < items->size(); ++i)
    if (const auto status = read.integer((*items)[i], field[i], exit_bounds))
      if (std::find(ok_exit.begin(), ok_exit.end(), *status) == ok_exit.end())
        ok_exit.push_back(static_cast<std::int32_t>(*status));
}

void read_file_report(const node_reader& read, const document_node& node, const field_path& field,
                      core::file_report_mode& report) {
  using core::file_report_mode;
  static constexpr std::array<std::string_view, 3> words{"none", "observe", "strict"};
  static constexpr std::array modes{file_report_mode::none, file_report_mode::observe,
                                    file_report_mode::strict};
  if (const auto chosen = read.choice(node, field, words, "the reports are"))
    report = modes.at(*chosen);
}

void read_label(const node_reader& read, const document_node& node, const field_path& field,
                const std::string& name, core::node_labels& labels) {
  constexpr std::size_t shown_max = 64;
  if (is_written_null(node)) {
    labels.erase(name);
    return;
  }
  const auto text = read.text(node, field);
  if (!text)
    return;
  // The flag of a node takes several, with commas between.
  if (check_node_name(name) && !text->empty() && text->size() <= core::label_bytes_max
      && text->find(',') == std::string::npos)
    labels.insert_or_assign(name, *text);
  else
    read.report(codes::bad_label, node.offset, field,
                fmt::format("{}={} is no label that a node could have",
                            core::printable(name.substr(0, shown_max)),
                            core::printable(text->substr(0, shown_max))),
                "write its name with 1 to 64 letters, digits, `.`, `_` and `-`, and a text of 1 to "
                "256 bytes without commas, as `maze-node nodes` shows them");
}

/// The labels that have a key of their own, too.
constexpr std::array<std::pair<std::string_view, const char*>, 2> own_keys{
    {{"required_role", "role"}, {"required_platform", "platform"}}};

void read_labels(const node_reader& read, const document_node& node, const field_path& field,
                 const document_node::map& beside, core::node_labels& labels) {
  if (is_written_null(node)) {
    labels.clear();
    return;
  }
  const auto* members = read.map(node, field);
  if (members == nullptr)
    return;
  for (const auto& member : *members) {
    read_label(read, member.value, field / member.key, member.key, labels);
    for (const auto& [key, name] : own_keys)
      if (member.key == name && find_member(beside, key) != nullptr)
        read.report(codes::bad_label, member.key_offset, field / member.key,
                    fmt::format("`labels.{}` and `{}` mean the same", name, key),
                    "keep one of the two");
  }
  if (labels.size() > core::node_labels_max)
    read.report(codes::bad_label, node.offset, field,
                fmt::format("{} labels with those of `defaults`, and no node has more than {}",
                            labels.size(), core::node_labels_max),
                "name those alone that the node must have");
}

/// What `members` say of the task's node.
void read_placement(const node_reader& read, const document_node::map& members,
                    const field_path& field, core::node_labels& labels) {
  // First: `labels: null` lifts those of `defaults` alone.
  if (const auto* all = find_member(members, "labels"))
    read_labels(read, all->value, field / all->key, members, labels);
  for (const auto& [key, name] : own_keys)
    if (const auto* one = find_member(members, key))
      read_label(read, one->value, field / one->key, name, labels);
}

core::permission_set read_permissions(const node_reader& read, const document_node& node,
                                      const field_path& field) {
  core::permission_set out;
  const auto* items = read.list(node, field);
  std::vector<std::string_view> names;
  for (const core::permission each : core::all_permissions())
    names.push_back(core::to_string(each));
  for (std::size_t i = 0; items != nullptr && i < items->size(); ++i)
    if (const auto which = read.choice((*items)[i], field[i], names, "permissions are"))
      out.add(core::all_permissions()[*which]);
  return out;
}

void read_counts(const node_reader& read, const document_member& member, const field_path& field,
                 task_attributes& out) {
  const auto set = [&](auto& target, integer_bounds bounds) {
    if (const auto number = read.integer(member.value, field, bounds))
      target = static_cast<std::remove_reference_t<decltype(target)>>(*number);
  };
  if (member.key == "gpus")
    set(out.needs.gpus, gpu_bounds);
  else if (member.key == "retries")
    set(out.retries, retry_bounds);
  else if (member.key == "priority")
    set(out.priority, priority_bounds);
}

} // namespace

std::optional<std::string> read_type(const node_reader& read, const document_node& node,
                                     const field_path& field) {
  // `null` is the name of a type as well as a value.
  if (is_written_null(node))
    return "null";
  auto name = read.text(node, field);
  if (!name || is_type_name(*name))
    return name;
  read.report(codes::unknown_type, node.offset, field,
              fmt::format("\"{}\" is no type of values", *name), type_remedy(*name));
  return std::nullopt;
}

task_attributes read_attributes(const node_reader& read, const document_node::map& members,
                                const field_path& field, task_attributes base) {
  // First: it says how to read the output, which may stand before it.
  read_form(read, members, field, base);
  for (const auto& member : members) {
    const auto here = field / member.key;
    const auto& node = member.value;
    base.written.cpus |= member.key == "cpus";
    base.written.memory |= member.key == "memory";
    base.written.gpus |= member.key == "gpus";
    if (member.key == "timeout") {
      base.written.sandbox.add(core::sandbox_part::timeout);
      const auto* const sandbox = find_member(members, "sandbox");
      const auto* const parts = sandbox == nullptr ? nullptr : sandbox->value.as_map();
      for (const char* const other : {"timeout", "max_execution_time"})
        if (parts != nullptr && !is_written_null(node) && find_member(*parts, other) != nullptr)
          read.report(codes::bad_sandbox, member.key_offset, here,
                      fmt::format("`timeout` and `sandbox.{}` mean the same", other),
                      "keep one of the two");
    }
    if (member.key == "output")
      read_output(read, node, here, base);
    else if (member.key == "cpus")
      read_cpus(read, node, here, base.needs);
    else if (member.key == "memory")
      base.needs.memory = read_bytes(read, node, here).value_or(base.needs.memory);
    else if (member.key == "timeout")
      read_limit(node, base.sandbox.wall_time,
                 [&](const document_node& x) { return read_duration(read, x, here); });
    else if (member.key == "sandbox")
      read_sandbox(read, node, here, base.sandbox, base.written.sandbox);
    else if (member.key == "required_permissions")
      base.permissions = read_permissions(read, node, here);
    else if (member.key == "env")
      read_environment(read, node, here, base.environment);
    else if (member.key == "ok_exit")
      read_ok_exit(read, node, here, base.ok_exit);
    else if (member.key == "file_report")
      read_file_report(read, node, here, base.file_report);
    else
      read_counts(read, member, here, base);
  }
  read_placement(read, members, field, base.labels);
  return base;
}

} // namespace maze::io
