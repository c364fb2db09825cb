#pragma once

#include "maze/core/result.hpp"
#include "maze/core/sandbox_policy.hpp"
#include "maze/core/units.hpp"
#include "maze/io/endpoint.hpp"
#include "maze/io/log.hpp"
#include "node/roles.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maze::node {

enum class output_form : std::uint8_t { table = 1, json = 2 };
/// Whether to do something that depends on where the output goes.
enum class when : std::uint8_t { automatic = 1, always = 2, never = 3 };
/// Whose rights a task's child has: the node's own, or those of an unprivileged user of its slot.
enum class task_user : std::uint8_t { same = 1, slot = 2 };

/// What flags, environment and the configuration file may set.
struct settings {
  /// Where collected files go; nothing: `./<name>-<run>/`.
  std::optional<std::filesystem::path> out;
  /// Keep the state of a private cluster after its run.
  bool keep = false;
  /// Folder of the state.
  std::filesystem::path dir;
  output_form output = output_form::table;
  /// Tasks at once, whatever they need; nothing: as many as fit.
  std::optional<std::uint32_t> jobs;
  /// Thousandths of cores to offer; nothing: all of the machine.
  std::optional<std::uint32_t> cpu_millis;
  /// Memory to offer; nothing: all of the machine.
  std::optional<core::byte_count> memory;
  /// GPUs to offer; nothing: all that the process may use.
  std::optional<std::uint32_t> gpus;
  when progress = when::automatic;
  when color = when::automatic;
  /// Nothing on standard error but errors.
  bool quiet = false;
  io::log_level log_level = io::log_level::info;
  /// Nothing: a file in the state's folder.
  std::optional<std::filesystem::path> log_file;
  node::task_user task_user = task_user::same;
  /// What every task gets at least.
  core::sandbox_level sandbox = core::sandbox_level::none;
  /// Parts of the sandbox of tasks that do not say them: of what this command hands in, or of all that is handed in to the
  /// started cluster.
  core::sandbox_options sandbox_option;
  /// What the sandboxes of a started cluster, or of a run, are held to.
  core::sandbox_options sandbox_limit;
  /// The most that an archive of an image may unpack to.
  core::byte_count image_size{std::uint64_t{16} << 30};
  /// An image that was made of an archive goes when it was not used for so long.
  core::duration image_age = std::chrono::hours(7 * 24);
  /// Folder that says which of them are used; nothing: one in the state.
  std::optional<std::filesystem::path> image_dir;
  /// What tasks may do on the started node, and what may be handed in to the started cluster.
  core::permission_set permit = core::permission_set::all();
  /// All that may be loaded of libraries and pickled functions, as `io::trusted_code::read` takes it; nothing: anything.
  std::optional<std::vector<std::string>> trusted_code;
  /// Names for what join files permit.
  permission_roles roles;
  /// Variables of the node's environment that tasks may ask for.
  std::vector<std::string> pass_env;
  /// Which running cluster is meant: its name, or the path of a join file; empty: the only one.
  std::string cluster;
  /// Of the cluster that is started, and of its node.
  std::string name = "local";
  /// Where a started node listens besides its own socket.
  std::vector<io::endpoint> listen;
  /// The join file of the cluster that a worker node joins.
  std::optional<std::filesystem::path> join;
  std::map<std::string, std::string> labels;
  /// Folder of task libraries that the started node has from the start.
  std::optional<std::filesystem::path> libraries;
  /// A node that is silent or out of reach for so long has lost its place in the cluster.
  core::duration lease = std::chrono::seconds(5);
  /// What forgotten runs have left goes once nobody has touched it for so long.
  core::duration reclaim_after = std::chrono::minutes(1);

  friend bool operator==(const settings&, const settings&) = default;
};

/// One setting: how it is spelled everywhere, and how its text is read.
struct setting_rule {
  /// In the configuration file, for example `log_level`. The flag is `--log-level`, the variable
  /// `MAZE_LOG_LEVEL`.
  std::string_view key;
  /// What its value looks like, for the help; empty for a switch, whose value is `true` or `false`.
  std::string_view form;
  std::string_view help;
  /// Sets the value from its text. Fails with `invalid_argument` saying what is allowed.
  core::result<void> (*read)(settings& to, const std::string& text);
  /// Whether its flag may be given several times: their texts are joined with commas.
  bool repeats = false;
};

/// Every setting, in the order of the help.
std::span<const setting_rule> setting_rules() noexcept;
std::string flag_of(const setting_rule& rule);
std::string variable_of(const setting_rule& rule);

/// What the defaults depend on.
struct surroundings {
  std::map<std::string, std::string, std::less<>> environment;
  bool is_root = false;
};

/// The text of each setting that nobody set; empty where there is none. `dir` follows the XDG base
/// directory specification: `$XDG_STATE_HOME/maze`, else `~/.local/state/maze`; for root
/// `/var/lib/maze`. `color` is `never` where NO_COLOR is not empty (https://no-color.org).
std::string default_text(const setting_rule& rule, const surroundings& around);

/// `$XDG_CONFIG_HOME/maze/config.yaml`, else `~/.config/maze/config.yaml`; empty without a home.
std::filesystem::path default_config_file(const surroundings& around);

} // namespace maze::node
