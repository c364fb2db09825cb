#include "maze/io/task_attributes.hpp"

#include "maze/core/reference.hpp"
#include "maze/core/suggestion.hpp"
#include "maze/io/output_reader.hpp"
#include "maze/io/plain_scalar.hpp"
#include "maze/io/value_types.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace maze::io {

namespace {

constexpr integer_bounds any_count{0, std::numeric_limits<std::int64_t>::max()};
constexpr integer_bounds gpu_bounds{0, std::numeric_limits<std::uint32_t>::max()};
constexpr integer_bounds retry_bounds{0, 100};
constexpr integer_bounds priority_bounds{-20, 20};
constexpr integer_bounds exit_bounds{0, 255};

/// The text of a scalar that is text or a number; amounts with a unit are text, without one numbers.
std::optional<std::string> amount_text(const node_reader& read, const document_node& node,
                                       const field_path& field) {
  if (node.as_scalar() != nullptr && node.plain) {
    const auto meaning = read_plain_scalar(*node.as_scalar());
    if (meaning && (meaning->is<std::int64_t>() || meaning->is<double>()))
      return *node.as_scalar();
  }
  return read.text(node, field);
}

std::optional<core::byte_count> read_bytes(const node_reader& read, const document_node& node,
                                           const field_path& field) {
  const auto text = amount_text(read, node, field);
  if (!text)
    return std::nullopt;
  const auto bytes = core::parse_byte_count(*text);
  if (bytes)
    return *bytes;
  read.report(codes::bad_byte_count, node.offset, field, bytes.error().message,
              "write for example 512MB or 1.5GiB");
  return std::nullopt;
}

std::optional<core::duration> read_duration(const node_reader& read, const document_node& node,
                                            const field_path& field) {
  const auto text = amount_text(read, node, field);
  if (!text)
    return std::nullopt;
  const auto time = core::parse_duration(*text);
  if (!time) {
    read.report(codes::bad_duration, node.offset, field, time.error().message,
                "write for example 300ms, 90s, 10m or 2h");
    return std::nullopt;
  }
  if (*time == core::duration::zero()) {
    read.report(codes::out_of_range, node.offset, field, "a limit of no time lets nothing run",
                "write a longer time, or null for no limit");
    return std::nullopt;
  }
  return *time;
}

/// Sets a limit; `null` takes one away that the defaults set.
template <class Limit, class Read>
void read_limit(const document_node& node, std::optional<Limit>& limit, const Read& read) {
  if (is_written_null(node))
    limit.reset();
  else if (const auto value = read(node))
    limit = *value;
}

void read_level(const node_reader& read, const document_node& node, const field_path& field,
                core::sandbox_spec& sandbox) {
  const auto name = read.text(node, field);
  if (!name)
    return;
  if (const auto level = core::sandbox_level_from_string(*name)) {
    sandbox.level = *level;
    return;
  }
  static constexpr std::array<std::string_view, 4> levels{"none", "subprocess", "seccomp",
                                                          "container"};
  read.report(codes::unknown_sandbox_level, node.offset, field,
              fmt::format("\"{}\" is no sandbox level", *name),
              core::did_you_mean(*name, levels, "the levels are"));
}

std::optional<bool> read_switch(const node_reader& read, const document_node& node,
                                const field_path& field) {
  const auto value = read.scalar(node, field);
  if (!value)
    return std::nullopt;
  if (const auto* on = value->as<bool>())
    return *on;
  read.report(codes::unknown_choice, node.offset, field,
              fmt::format("{} is neither true nor false", describe(node)), "write true or false");
  return std::nullopt;
}

/// A list of texts and whole numbers, all as text.
std::vector<std::string> read_words(const node_reader& read, const document_node& node,
                                    const field_path& field) {
  std::vector<std::string> out;
  const auto* items = read.list(node, field);
  for (std::size_t i = 0; items != nullptr && i < items->size(); ++i)
    if (const auto* number = (*items)[i].as_scalar(); number != nullptr && (*items)[i].plain)
      out.push_back(*number);
    else if (auto text = read.text((*items)[i], field[i]))
      out.push_back(std::move(*text));
  return out;
}

/// Paths that a task is shown; `null` takes away those of the defaults.
std::vector<std::string> read_shown(const node_reader& read, const document_node& node,
                                    const field_path& field) {
  if (is_written_null(node))
    return {};
  auto out = read.texts(node, field);
  for (std::string& path : out)
    if (path.size() > 1 && path.ends_with('/'))
      path.pop_back();
  return out;
}

void read_sandbox_part(const node_reader& read, const document_member& member,
                       const field_path& field, core::sandbox_spec& sandbox) {
  const auto duration = [&](const document_node& node) { return read_duration(read, node, field); };
  const auto bytes = [&](const document_node& node) { return read_bytes(read, node, field); };
  const auto count = [&](const document_node& node) -> std::optional<std::uint64_t> {
    const auto number = read.integer(node, field, {1, any_count.most});
    return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
  };
  if (member.key == "level")
    read_level(read, member.value, field, sandbox);
  else if (member.key == "cpu_time")
    read_limit(member.value, sandbox.cpu_time, duration);
  else if (member.key == "address_space")
    read_limit(member.value, sandbox.address_space, bytes);
  else if (member.key == "file_size")
    read_limit(member.value, sandbox.file_size, bytes);
  else if (member.key == "open_files")
    read_limit(member.value, sandbox.open_files, count);
  else if (member.key == "processes")
    read_limit(member.value, sandbox.processes, count);
  else if (member.key == "network")
    read_limit(member.value, sandbox.network,
               [&](const document_node& node) { return read_switch(read, node, field); });
  else if (member.key == "readable")
    sandbox.readable = read_shown(read, member.value, field);
  else if (member.key == "writable")
    sandbox.writable = read_shown(read, member.value, field);
  else if (member.key == "syscalls")
    sandbox.syscalls = is_written_null(member.value) ? std::vector<std::string>()
                                                     : read_words(read, member.value, field);
}

void read_sandbox(const node_reader& read, const document_node& node, const field_path& field,
                  core::sandbox_spec& sandbox) {
  if (const auto* members = node.as_map()) {
    read.check_keys(node, workflow_section::sandbox, field);
    for (const auto& member : *members)
      read_sandbox_part(read, member, field / member.key, sandbox);
  } else {
    read_level(read, node, field, sandbox);
  }
  if (auto sound = core::check_sandbox(sandbox); !sound)
    read.report(codes::bad_sandbox, node.offset, field, sound.error().message,
                "write absolute paths such as /opt/models, and `level: seccomp` for what only a "
                "sealed task "
                "can have; where `defaults` say it, `null` takes it away");
}

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

bool is_written_null(const document_node& node) noexcept {
  return node.plain && node.as_scalar() != nullptr && *node.as_scalar() == "null";
}

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
      read_sandbox(read, node, here, base.sandbox);
    else if (member.key == "env")
      read_environment(read, node, here, base.environment);
    else if (member.key == "ok_exit")
      read_ok_exit(read, node, here, base.ok_exit);
    else
      read_counts(read, member, here, base);
  }
  return base;
}

} // namespace maze::io
