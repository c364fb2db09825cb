#include "maze/io/sandbox_reader.hpp"

#include "maze/core/suggestion.hpp"
#include "maze/io/amount_reader.hpp"
#include "maze/io/plain_scalar.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace maze::io {

namespace {

constexpr integer_bounds one_or_more{1, std::numeric_limits<std::int64_t>::max()};
/// More would not be a number of bytes.
constexpr integer_bounds mib_bounds{1, std::numeric_limits<std::int64_t>::max() >> 20};

using unit = sandbox_spelling::unit;
constexpr auto spellings = std::to_array<sandbox_spelling>({
    {"max_memory_mb", "memory", unit::mib},
    {"max_cpu_time", "cpu_time", unit::seconds},
    {"allowed_imports", "imports"},
    {"docker_image", "image"},
    {"network_enabled", "network"},
    {"mount_paths", "readable", unit::paths},
    {"allowed_syscalls", "syscalls"},
    {"allow_network", "network"},
    {"allow_filesystem", "", unit::file_system},
    {"allowed_paths", "writable", unit::paths},
    {"max_file_size", "file_size"},
    {"max_execution_time", "timeout", unit::seconds},
    {"memory_limit", "memory"},
    {"cpu_limit", "cpu_share"},
});

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

bool read_degrade(const node_reader& read, const document_node& node, const field_path& field) {
  static constexpr std::array<std::string_view, 2> words{"refuse", "allow"};
  if (is_written_null(node))
    return false;
  return read.choice(node, field, words, "what a node that cannot give all does is").value_or(0)
         == 1;
}

bool read_violation(const node_reader& read, const document_node& node, const field_path& field) {
  static constexpr std::array<std::string_view, 2> words{"refuse", "kill"};
  if (is_written_null(node))
    return false;
  return read.choice(node, field, words, "what becomes of a call that is not allowed is")
             .value_or(0)
         == 1;
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

/// A path without a slash at its end.
std::string without_end(std::string path) {
  if (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  return path;
}

/// Paths that a task is shown; `null` takes away those of the defaults.
std::vector<std::string> read_shown(const node_reader& read, const document_node& node,
                                    const field_path& field) {
  if (is_written_null(node))
    return {};
  auto out = read.texts(node, field);
  for (std::string& path : out)
    path = without_end(std::move(path));
  return out;
}

/// `{path: path}` of paths that are shown where they are, or a list of paths; `/tmp` is a task's own in any case.
std::vector<std::string> read_mounted(const node_reader& read, const document_node& node,
                                      const field_path& field) {
  std::vector<std::string> out;
  if (const auto* members = node.as_map()) {
    for (const auto& member : *members) {
      const auto inside = read.text(member.value, field / member.key);
      if (inside && without_end(*inside) != without_end(member.key))
        read.report(codes::bad_sandbox, member.value.offset, field / member.key,
                    fmt::format("{} cannot be shown as {}: a task sees paths where they are",
                                member.key, *inside),
                    "write the same path twice, or list it under `readable`");
      out.push_back(without_end(member.key));
    }
  } else {
    out = read_shown(read, node, field);
  }
  std::erase(out, "/tmp");
  return out;
}

/// Reads the parts of one `sandbox` map.
class sandbox_reader {
public:
  sandbox_reader(const node_reader& read, core::sandbox_spec& sandbox, core::sandbox_parts& said)
      : read_(read), sandbox_(sandbox), said_(said) {}

  void run(const document_node::map& members, const field_path& field) {
    for (const auto& member : members)
      if (is_first_word_for(member, field / member.key))
        part(member, field / member.key);
  }

private:
  bool is_first_word_for(const document_member& member, const field_path& field);
  void part(const document_member& member, const field_path& field);
  void limit(std::string_view key, unit amount, const document_node& node, const field_path& field);

  const node_reader& read_;
  core::sandbox_spec& sandbox_;
  core::sandbox_parts& said_;
  /// Parts that were read, and the word that each had.
  std::vector<std::pair<std::string_view, std::string_view>> seen_;
};

const sandbox_spelling* find_spelling(std::string_view word) {
  const auto* const found = std::find_if(spellings.begin(), spellings.end(),
                                         [word](const auto& x) { return x.word == word; });
  return found == spellings.end() ? nullptr : found;
}

bool sandbox_reader::is_first_word_for(const document_member& member, const field_path& field) {
  const auto* const other = find_spelling(member.key);
  const std::string_view key =
      other == nullptr || other->key.empty() ? std::string_view(member.key) : other->key;
  const auto before =
      std::find_if(seen_.begin(), seen_.end(), [key](const auto& x) { return x.first == key; });
  if (before == seen_.end()) {
    seen_.emplace_back(key, member.key);
    if (const auto part = core::sandbox_part_from_string(key))
      said_.add(*part);
    return true;
  }
  read_.report(codes::bad_sandbox, member.key_offset, field,
               fmt::format("`{}` and `{}` mean the same", before->second, member.key),
               "keep one of the two");
  return false;
}

void sandbox_reader::limit(std::string_view key, unit amount, const document_node& node,
                           const field_path& field) {
  const auto time = [&](const document_node& x) {
    return amount == unit::seconds || key == "timeout" ? read_seconds(read_, x, field)
                                                       : read_duration(read_, x, field);
  };
  const auto bytes = [&](const document_node& x) -> std::optional<core::byte_count> {
    if (amount != unit::mib)
      return read_bytes(read_, x, field);
    const auto number = read_.integer(x, field, mib_bounds);
    return number ? std::optional(core::byte_count{static_cast<std::uint64_t>(*number) << 20})
                  : std::nullopt;
  };
  const auto count = [&](const document_node& x) -> std::optional<std::uint64_t> {
    const auto number = read_.integer(x, field, one_or_more);
    return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
  };
  if (key == "timeout")
    read_limit(node, sandbox_.wall_time, time);
  else if (key == "cpu_time")
    read_limit(node, sandbox_.cpu_time, time);
  else if (key == "cpu_share")
    read_limit(node, sandbox_.cpu_share,
               [&](const document_node& x) { return read_percent(read_, x, field); });
  else if (key == "memory")
    read_limit(node, sandbox_.memory, bytes);
  else if (key == "address_space")
    read_limit(node, sandbox_.address_space, bytes);
  else if (key == "temporary")
    read_limit(node, sandbox_.temporary, bytes);
  else if (key == "disk")
    read_limit(node, sandbox_.disk, bytes);
  else if (key == "file_size")
    read_limit(node, sandbox_.file_size, bytes);
  else if (key == "open_files")
    read_limit(node, sandbox_.open_files, count);
  else if (key == "processes")
    read_limit(node, sandbox_.processes, count);
}

void sandbox_reader::part(const document_member& member, const field_path& field) {
  const auto* const other = find_spelling(member.key);
  const auto amount = other == nullptr ? unit::same : other->amount;
  const std::string_view key = other == nullptr ? std::string_view(member.key) : other->key;
  const auto& node = member.value;
  const auto paths = [&] {
    return amount == unit::paths ? read_mounted(read_, node, field)
                                 : read_shown(read_, node, field);
  };
  const auto texts = [&] {
    return is_written_null(node) ? std::vector<std::string>() : read_.texts(node, field);
  };
  if (amount == unit::file_system)
    read_limit(node, sandbox_.filesystem,
               [&](const document_node& x) { return read_switch(read_, x, field); });
  else if (key == "level")
    read_level(read_, node, field, sandbox_);
  else if (key == "degrade")
    sandbox_.degrade = read_degrade(read_, node, field);
  else if (key == "violation")
    sandbox_.kill_on_violation = read_violation(read_, node, field);
  else if (key == "network")
    read_limit(node, sandbox_.network,
               [&](const document_node& x) { return read_switch(read_, x, field); });
  else if (key == "reuse")
    read_limit(node, sandbox_.reuse,
               [&](const document_node& x) { return read_switch(read_, x, field); });
  else if (key == "readable")
    sandbox_.readable = paths();
  else if (key == "writable")
    sandbox_.writable = paths();
  else if (key == "syscalls")
    sandbox_.syscalls =
        is_written_null(node) ? std::vector<std::string>() : read_words(read_, node, field);
  else if (key == "environment")
    sandbox_.variables = texts();
  else if (key == "image")
    read_limit(node, sandbox_.image, [&](const document_node& x) { return read_.text(x, field); });
  else if (key == "imports")
    read_limit(node, sandbox_.imports,
               [&](const document_node& x) { return std::optional(read_.texts(x, field)); });
  else
    limit(key, amount, node, field);
}

} // namespace

std::span<const sandbox_spelling> sandbox_spellings() noexcept { return spellings; }

void read_sandbox(const node_reader& read, const document_node& node, const field_path& field,
                  core::sandbox_spec& sandbox, core::sandbox_parts& said) {
  if (const auto* members = node.as_map()) {
    read.check_keys(node, workflow_section::sandbox, field);
    sandbox_reader(read, sandbox, said).run(*members, field);
  } else {
    said.add(core::sandbox_part::level);
    read_level(read, node, field, sandbox);
  }
  if (auto sound = core::check_sandbox(sandbox); !sound)
    read.report(codes::bad_sandbox, node.offset, field, sound.error().message,
                "change that part; where `defaults` say it, `null` takes it away");
}

} // namespace maze::io
