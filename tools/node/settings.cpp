#include "node/settings.hpp"

#include "maze/core/permission_list.hpp"
#include "maze/core/reference.hpp"
#include "maze/io/gpu_devices.hpp"
#include "maze/io/identity.hpp"
#include "maze/io/sandbox_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <utility>

namespace maze::node {

namespace {

using core::errc;
using core::fail;

tl::unexpected<core::error> expected(std::string_view what, const std::string& text) {
  return fail(errc::invalid_argument, fmt::format("'{}' is not {}", text, what));
}

core::result<bool> read_switch(const std::string& text) {
  if (text == "true")
    return true;
  if (text == "false")
    return false;
  return expected("true or false", text);
}

core::result<when> read_when(const std::string& text) {
  if (text == "auto")
    return when::automatic;
  if (text == "always")
    return when::always;
  if (text == "never")
    return when::never;
  return expected("auto, always or never", text);
}

core::result<std::uint32_t> read_count(const std::string& text) {
  std::uint32_t count = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, count);
  if (fault != std::errc{} || stop != end || count == 0)
    return expected("a whole number from 1 to 4294967295", text);
  return count;
}

core::result<std::uint32_t> read_gpus(const std::string& text) {
  std::uint32_t count = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, count);
  if (fault != std::errc{} || stop != end || count > io::gpus_max)
    return expected(fmt::format("a whole number from 0 to {}", io::gpus_max), text);
  return count;
}

core::result<std::uint32_t> read_cores(const std::string& text) {
  double cores = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, cores, std::chars_format::fixed);
  const double millis = std::round(cores * 1000);
  if (fault != std::errc{} || stop != end || !(millis >= 1 && millis <= 4e9))
    return expected("a number of cores such as 4 or 0.5, at least 0.001", text);
  return static_cast<std::uint32_t>(millis);
}

core::result<std::filesystem::path> read_path(const std::string& text) {
  if (text.empty())
    return fail(errc::invalid_argument, "a path must not be empty");
  return std::filesystem::path(text);
}

/// Engines of containers, and what runs in them, are told paths under it, which have to lead to the same place there.
core::result<std::filesystem::path> read_folder(const std::string& text) {
  auto path = read_path(text);
  if (!path || std::find(path->begin(), path->end(), "..") == path->end())
    return path;
  std::error_code unknown;
  auto direct = std::filesystem::weakly_canonical(std::filesystem::absolute(*path), unknown);
  return unknown ? path : direct;
}

core::result<output_form> read_output(const std::string& text) {
  if (text == "table")
    return output_form::table;
  if (text == "json")
    return output_form::json;
  return expected("table or json", text);
}

core::result<io::log_level> read_level(const std::string& text) {
  if (const auto level = io::log_level_from_string(text))
    return *level;
  return expected("debug, info, warning, error or off", text);
}

core::result<task_user> read_task_user(const std::string& text) {
  if (text == "same")
    return task_user::same;
  if (text == "slot")
    return task_user::slot;
  return expected("same or slot", text);
}

core::result<core::sandbox_level> read_sandbox(const std::string& text) {
  const auto level = core::sandbox_level_from_string(text);
  if (level && *level <= core::sandbox_level::seccomp)
    return *level;
  return expected("none, subprocess or seccomp", text);
}

/// Calls `take` with each non-empty part of a list with commas, until it fails.
core::result<void>
for_each_part(const std::string& text,
              const std::function<core::result<void>(const std::string&)>& take) {
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    if (auto taken = take(text.substr(start, end - start)); !taken)
      return taken;
    start = end + 1;
  }
  return {};
}

core::result<std::vector<std::string>> read_variables(const std::string& text) {
  std::vector<std::string> out;
  const auto taken = for_each_part(text, [&](const std::string& part) -> core::result<void> {
    if (!core::is_name(part) || part.find('-') != std::string::npos)
      return expected("the name of a variable: letters, digits and `_`", part);
    out.push_back(part);
    return {};
  });
  if (!taken)
    return fail(taken.error());
  return out;
}

core::result<std::optional<std::vector<std::string>>> read_trusted(const std::string& text) {
  std::vector<std::string> out;
  if (text == "none")
    return out;
  const auto taken = for_each_part(text, [&](const std::string& part) -> core::result<void> {
    if (part.empty() || part == "none")
      return expected("none alone, or SHA-256 sums, files and folders with commas", text);
    out.push_back(part);
    return {};
  });
  if (!taken)
    return fail(taken.error());
  return out;
}

/// The two sides of `name=value`.
core::result<std::pair<std::string, std::string>> read_pair(const std::string& text,
                                                            std::string_view example) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return expected(fmt::format("of the form {}", example), text);
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

core::result<std::map<std::string, std::string>> read_labels(const std::string& text) {
  std::map<std::string, std::string> out;
  const auto taken = for_each_part(text, [&](const std::string& part) -> core::result<void> {
    auto pair = read_pair(part, "room=b12");
    if (!pair)
      return fail(pair.error());
    if (!io::check_node_name(pair->first))
      return expected("a label's name: 1 to 64 letters, digits, '.', '_' and '-'", pair->first);
    if (pair->first == core::name_label)
      return fail(errc::invalid_argument,
                  fmt::format("label '{}' is the name of the node: give it with --name", part));
    if (!out.insert(std::move(*pair)).second)
      return fail(errc::invalid_argument, fmt::format("label '{}' is given twice", part));
    return {};
  });
  if (!taken)
    return fail(taken.error());
  return out;
}

core::result<std::vector<io::endpoint>> read_endpoints(const std::string& text) {
  std::vector<io::endpoint> out;
  const auto taken = for_each_part(text, [&](const std::string& part) -> core::result<void> {
    auto one = io::parse_endpoint(part);
    if (!one)
      return fail(one.error());
    out.push_back(std::move(*one));
    return {};
  });
  if (!taken)
    return fail(taken.error());
  return out;
}

core::result<std::string> read_name(const std::string& text) {
  if (auto fine = io::check_node_name(text); !fine)
    return fail(fine.error());
  return text;
}

core::result<std::string> read_cluster(const std::string& text) {
  if (text.empty())
    return fail(errc::invalid_argument, "the name of a cluster must not be empty");
  return text;
}

/// A rule's `read`: parses with `Parse`, stores into `Member`.
template <auto Member, auto Parse>
core::result<void> store(settings& to, const std::string& text) {
  auto value = Parse(text);
  if (!value)
    return fail(value.error());
  to.*Member = std::move(*value);
  return {};
}

core::result<core::byte_count> read_memory(const std::string& text) {
  return core::parse_byte_count(text);
}

core::result<core::duration> read_lease(const std::string& text) {
  const auto lease = core::parse_duration(text);
  if (!lease)
    return fail(lease.error());
  if (*lease < std::chrono::milliseconds(100) || *lease > std::chrono::hours(1))
    return expected("a time from 100ms to 1h", text);
  return *lease;
}

core::result<core::duration> read_reclaim_after(const std::string& text) {
  const auto time = core::parse_duration(text);
  if (!time)
    return fail(time.error());
  if (*time < std::chrono::seconds(1) || *time > std::chrono::hours(24))
    return expected("a time from 1s to 24h", text);
  return *time;
}

core::result<core::duration> read_image_age(const std::string& text) {
  const auto time = core::parse_duration(text);
  if (!time)
    return fail(time.error());
  if (*time < std::chrono::seconds(1) || *time > std::chrono::hours(365 * 24))
    return expected("a time from 1s to 365d", text);
  return *time;
}

core::result<void> read_resources(settings& to, const std::string& text) {
  return for_each_part(text, [&](const std::string& part) -> core::result<void> {
    const auto pair = read_pair(part, "cpus=4,memory=8GB");
    if (!pair)
      return fail(pair.error());
    if (pair->first == "cpus")
      return store<&settings::cpu_millis, read_cores>(to, pair->second);
    if (pair->first == "memory")
      return store<&settings::memory, read_memory>(to, pair->second);
    if (pair->first == "gpus")
      return store<&settings::gpus, read_gpus>(to, pair->second);
    return expected("cpus, memory or gpus", pair->first);
  });
}

core::result<core::sandbox_options> read_limits(const std::string& text) {
  auto out = io::parse_sandbox_options(text);
  if (out)
    if (auto fine = core::check_bounds(*out); !fine)
      return fail(fine.error());
  return out;
}

core::result<core::permission_set> read_permissions(const std::string& text) {
  return core::permissions_from_list(text);
}

constexpr std::array rules{
    setting_rule{"out", "DIR", "Put collected files into DIR, which must be new or empty",
                 store<&settings::out, read_path>},
    setting_rule{"keep", "", "Keep the state of the private cluster afterwards",
                 store<&settings::keep, read_switch>},
    setting_rule{"dir", "DIR", "Keep the state in DIR", store<&settings::dir, read_folder>},
    setting_rule{"output", "table|json", "Print results as text or as one JSON object",
                 store<&settings::output, read_output>},
    setting_rule{"jobs", "N", "Run at most N tasks at once, whatever they need",
                 store<&settings::jobs, read_count>},
    setting_rule{"resources", "LIST",
                 "Offer what LIST says to tasks, for example cpus=4,memory=8GB,gpus=1",
                 read_resources},
    setting_rule{"cpus", "X", "Offer X cores to tasks, for example 4 or 0.5 (default: all)",
                 store<&settings::cpu_millis, read_cores>},
    setting_rule{"memory", "SIZE", "Offer SIZE of memory to tasks, for example 8GiB (default: all)",
                 store<&settings::memory, read_memory>},
    setting_rule{"gpus", "N", "Offer N GPUs to tasks (default: all)",
                 store<&settings::gpus, read_gpus>},
    setting_rule{"progress", "auto|always|never", "Show a live view of the run",
                 store<&settings::progress, read_when>},
    setting_rule{"color", "auto|always|never", "Colour what is shown",
                 store<&settings::color, read_when>},
    setting_rule{"quiet", "", "Print nothing but errors and the result",
                 store<&settings::quiet, read_switch>},
    setting_rule{"log_level", "LEVEL", "Log from debug, info, warning, error or off",
                 store<&settings::log_level, read_level>},
    setting_rule{"log_file", "FILE", "Append the log to FILE (default: node.log in the state)",
                 store<&settings::log_file, read_path>},
    setting_rule{"task_user", "same|slot",
                 "Run tasks as this user, or each slot as an unprivileged user of its own",
                 store<&settings::task_user, read_task_user>},
    setting_rule{"sandbox", "LEVEL",
                 "Give every task at least this level: none, subprocess or seccomp",
                 store<&settings::sandbox, read_sandbox>},
    setting_rule{"sandbox_option", "PART=VALUE",
                 "Have tasks that do not say this part of `sandbox` say it; may be repeated",
                 store<&settings::sandbox_option, io::parse_sandbox_options>, true},
    setting_rule{"sandbox_limit", "PART=VALUE",
                 "Hold all tasks to this part of `sandbox`, a minimum or maximum; may be repeated",
                 store<&settings::sandbox_limit, read_limits>, true},
    setting_rule{"image_size", "SIZE",
                 "Unpack an archive of a container's image to at most SIZE (default: 16GiB)",
                 store<&settings::image_size, read_memory>},
    setting_rule{"image_age", "TIME",
                 "Remove an image made of an archive once unused for TIME (default: 7d)",
                 store<&settings::image_age, read_image_age>},
    setting_rule{"image_dir", "DIR",
                 "Share images made of archives with the nodes that have the same DIR (default: "
                 "images in the state)",
                 store<&settings::image_dir, read_path>},
    setting_rule{"permit", "LIST",
                 "Let tasks do only this: of read_files, write_files, network_access, "
                 "system_commands; or all, or none",
                 store<&settings::permit, read_permissions>},
    setting_rule{"trusted_code", "LIST",
                 "Load no other task libraries and pickled functions: their SHA-256, files or "
                 "folders; several with commas, or none",
                 store<&settings::trusted_code, read_trusted>, true},
    setting_rule{"roles", "ROLES",
                 "Name what join files permit: \"analyst=read_files,network_access; ops=all\"",
                 store<&settings::roles, read_roles>},
    setting_rule{"pass_env", "NAMES",
                 "Let tasks have these variables of the node if they ask; several with commas",
                 store<&settings::pass_env, read_variables>},
    setting_rule{"cluster", "NAME|FILE",
                 "Talk to the cluster NAME of this machine, or to the one of the join file FILE",
                 store<&settings::cluster, read_cluster>},
    setting_rule{"name", "NAME", "Call the started cluster and its node NAME",
                 store<&settings::name, read_name>},
    setting_rule{"listen", "ENDPOINTS",
                 "Listen there too, for example tcp:0.0.0.0:4242; several with commas",
                 store<&settings::listen, read_endpoints>},
    setting_rule{"join", "FILE", "Join the cluster of the join file FILE",
                 store<&settings::join, read_path>},
    setting_rule{"lease", "TIME",
                 "Give a node up that is silent for TIME; the same on all nodes (default: 5s)",
                 store<&settings::lease, read_lease>},
    setting_rule{"reclaim_after", "TIME",
                 "Remove what forgotten runs left once untouched for TIME (default: 1m)",
                 store<&settings::reclaim_after, read_reclaim_after>},
    setting_rule{"libraries", "DIR",
                 "Have the task libraries of DIR from the start: no run must bring them",
                 store<&settings::libraries, read_path>},
    setting_rule{"label", "K=V", "Give the node a label, or several with commas; may be repeated",
                 store<&settings::labels, read_labels>, true},
};

} // namespace

std::span<const setting_rule> setting_rules() noexcept { return rules; }

std::string flag_of(const setting_rule& rule) {
  std::string out = "--";
  for (const char c : rule.key)
    out += c == '_' ? '-' : c;
  return out;
}

std::string variable_of(const setting_rule& rule) {
  std::string out = "MAZE_";
  for (const char c : rule.key)
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

} // namespace maze::node
