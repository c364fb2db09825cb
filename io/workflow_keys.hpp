#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace maze::io {

/// The maps of a workflow file whose keys have a meaning.
enum class workflow_section : std::uint8_t {
  /// The whole file.
  workflow,
  /// A context entry that is a secret.
  secret,
  /// An entry of `files`.
  file,
  defaults,
  task,
  /// `sandbox` written as a map.
  sandbox,
  /// An entry of `params`.
  parameter,
  /// The type of an output, written as a map.
  output,
  sync,
};

/// One key that the parser knows.
struct known_key {
  std::string_view name;
  bool required = false;
  /// What to write where the key is missing; of required keys only.
  std::string_view example = {};
};

/// The keys of one section, in the order in which people should read them. The parser, its messages
/// and the test of the JSON Schema all use this table.
std::span<const known_key> known_keys(workflow_section section) noexcept;
/// The row of `name`, or nothing.
const known_key* find_key(workflow_section section, std::string_view name) noexcept;
/// The section as messages name it, for example `a task`.
std::string_view section_name(workflow_section section) noexcept;
std::span<const workflow_section> all_sections() noexcept;

/// The known key that `name` seems to mean: a misspelling of ours, or another tool's word for it.
std::optional<std::string_view> meant_key(workflow_section section, std::string_view name);
/// What to write instead of `name`: the nearest known key, else the list of them.
std::string key_remedy(workflow_section section, std::string_view name);

} // namespace maze::io
