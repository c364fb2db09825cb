#pragma once

#include "maze/io/identity.hpp"
#include "node/settings.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::node {

enum class command : std::uint8_t {
  run = 1,
  validate = 2,
  config = 3,
  version = 4,
  start = 5,
  stop = 6,
  status = 7,
  submit = 8,
  runs = 9,
  tasks = 10,
  logs = 11,
  result = 12,
  files = 13,
  cancel = 14,
  nodes = 15,
  drain = 16,
  join_file = 17,
  forget = 18,
  functions = 19,
  doctor = 20,
  serve = 21,
  mcp = 22,
};

/// What a started node does.
enum class start_role : std::uint8_t { both = 1, master = 2, worker = 3 };

/// Flags that belong to single commands.
struct command_flags {
  bool detach = false;
  start_role role = start_role::both;
  bool wait = false;
  /// Of a submit; nothing: a fresh one.
  std::optional<std::string> id;
  bool standard_error = false;
  /// 0: the last one.
  std::uint32_t attempt = 0;
  bool follow = false;
  bool history = false;
  /// Of what is forgotten.
  bool all = false;
  /// Worker processes of a run; 0: this process runs its tasks.
  std::uint32_t workers = 0;
  bool until_eof = false;
  /// Of a join file.
  struct join_file_request {
    io::node_role role = io::node_role::worker;
    /// Where the master is reached, instead of where it listens.
    std::vector<io::endpoint> addresses;
    std::uint32_t days = 365;
    /// Nothing: `NAME.join` in the current folder.
    std::optional<std::string> file;
    /// What its holder's tasks may do, or those that its node is given.
    core::permission_set permitted = core::permission_set::all();
    /// The role that says it instead.
    std::optional<std::string> as;

    friend bool operator==(const join_file_request&, const join_file_request&) = default;
  } join_file;
  /// Of a gateway.
  struct gateway_request {
    /// 0: any free one.
    std::uint16_t port = 7420;
    /// Nothing: in the folder of the state.
    std::optional<std::string> token_file;
    bool read_only = false;

    friend bool operator==(const gateway_request&, const gateway_request&) = default;
  } gateway;

  friend bool operator==(const command_flags&, const command_flags&) = default;
};

/// The value of a setting that holds, and who set it.
struct effective_setting {
  std::string key;
  /// As it was given; empty where it is unset.
  std::string text;
  /// `flag --jobs`, `variable MAZE_JOBS`, `file.yaml:3:7` or `default`.
  std::string origin;

  friend bool operator==(const effective_setting&, const effective_setting&) = default;
};

/// What one start of `maze-node` is asked to do, checked.
struct options {
  node::command command = command::version;
  /// The positional arguments; the last ones may be left out.
  std::vector<std::string> words;
  /// The first of them, where the command takes a workflow file.
  std::filesystem::path file;
  command_flags flags;
  settings values;
  /// Every setting, in the order of `setting_rules`; empty for `version`.
  std::vector<effective_setting> effective;
  /// What is odd but no reason to refuse, each a sentence.
  std::vector<std::string> warnings;
};

/// Why a command line is not carried out: help was asked for, or it is wrong.
struct refusal {
  /// 0 (help, for standard output) or 2 (wrong use, for standard error).
  int exit_code = 2;
  std::string text;
};

/// Reads the command line (without the program's name), then what it leaves open from the environment
/// (`MAZE_*`), then from the configuration file (`--config`, `MAZE_CONFIG`, or the default one where
/// there is one), then from the defaults. A flag or key that does not exist is refused by name with the
/// one that may be meant, a wrong value with its origin; a variable `MAZE_*` that does not exist is a
/// warning.
tl::expected<options, refusal> read_options(const std::vector<std::string>& arguments,
                                            const surroundings& around);

/// Where a setting's value is from, as `effective_setting` says it.
std::string_view origin_of(const options& what, std::string_view key);
/// Whether somebody set it: a flag, a variable or the configuration file.
bool is_given(const options& what, std::string_view key);

/// The table or JSON object that `maze-node config` prints: each value and its origin.
std::string explain(const options& what);

} // namespace maze::node
