#pragma once

#include "node/options.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maze::node {

/// A flag that belongs to one command and is no setting.
struct flag_rule {
  /// Without the dashes.
  std::string_view name;
  /// What its value looks like; empty for a switch.
  std::string_view form;
  std::string_view help;
};

/// A positional argument.
struct word_rule {
  /// In the help, for example `RUN`.
  std::string_view name;
  std::string_view help;
  /// What is missing without it, for the error; empty where it may be left out.
  std::string_view missing;
};

/// One command of `maze-node`: how it is spelled and what it takes.
struct command_rule {
  node::command command;
  std::string_view name;
  std::string_view help;
  std::string_view examples;
  std::vector<word_rule> words;
  /// Keys of the settings that it has flags for.
  std::vector<std::string_view> keys;
  std::vector<flag_rule> flags;
};

/// Every command, in the order of the help.
std::span<const command_rule> command_rules();

/// What was said of a command's own flags, by name; `true` for a switch.
using flag_texts = std::map<std::string_view, std::string>;
/// Fails with `invalid_argument` naming the flag.
core::result<command_flags> read_flags(const flag_texts& said);

} // namespace maze::node
