#pragma once

#include "maze/core/result.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace maze::node {

/// One entry of a configuration file, as written, and where it stands.
struct config_entry {
  std::string text;
  /// `file:line:column` of the value, counted from 1.
  std::string place;

  friend bool operator==(const config_entry&, const config_entry&) = default;
};
using config_entries = std::map<std::string, config_entry, std::less<>>;

/// Reads a flat YAML mapping of setting names to scalars. Fails with `invalid_argument`, each fault
/// with `file:line:column`, one a line: what is no setting (with the one that may be meant), given
/// twice, or no scalar. The values themselves are not looked at.
core::result<config_entries> parse_config(const std::string& text, const std::string& file_name);
/// The same for a file; `not_found` or `io_error` where it cannot be read.
core::result<config_entries> read_config(const std::filesystem::path& file);

} // namespace maze::node
