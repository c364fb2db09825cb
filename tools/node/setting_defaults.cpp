#include "node/settings.hpp"

namespace maze::node {

namespace {

std::string variable(const surroundings& around, std::string_view name) {
  const auto at = around.environment.find(name);
  return at == around.environment.end() ? std::string() : at->second;
}

/// A base directory of the XDG specification, which says that relative ones are to be ignored.
std::filesystem::path base_directory(const surroundings& around, std::string_view name,
                                     std::string_view below_home) {
  if (const std::filesystem::path given = variable(around, name); given.is_absolute())
    return given;
  const auto home = variable(around, "HOME");
  return home.empty() ? std::filesystem::path() : std::filesystem::path(home) / below_home;
}

} // namespace

std::string default_text(const setting_rule& rule, const surroundings& around) {
  if (rule.key == "dir") {
    if (around.is_root)
      return "/var/lib/maze";
    const auto state = base_directory(around, "XDG_STATE_HOME", ".local/state");
    return state.empty() ? std::string() : (state / "maze").string();
  }
  if (rule.key == "color")
    return variable(around, "NO_COLOR").empty() ? "auto" : "never";
  if (rule.key == "task_user")
    return around.is_root ? "slot" : "same";
  if (rule.key == "sandbox")
    return "none";
  if (rule.key == "permit")
    return "all";
  if (rule.key == "output")
    return "table";
  if (rule.key == "name")
    return "local";
  if (rule.key == "progress")
    return "auto";
  if (rule.key == "log_level")
    return "info";
  if (rule.key == "image_size")
    return "16GiB";
  if (rule.key == "image_age")
    return "7d";
  if (rule.key == "lease")
    return "5s";
  if (rule.key == "reclaim_after")
    return "1m";
  return rule.form.empty() ? "false" : "";
}

std::filesystem::path default_config_file(const surroundings& around) {
  const auto base = base_directory(around, "XDG_CONFIG_HOME", ".config");
  return base.empty() ? base : base / "maze" / "config.yaml";
}

} // namespace maze::node
