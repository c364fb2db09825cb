#include "node/config_file.hpp"

#include "maze/core/suggestion.hpp"
#include "maze/io/files.hpp"
#include "node/settings.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <vector>

namespace maze::node {

namespace {

constexpr std::uint64_t config_size_max = std::uint64_t{1} << 20;

using core::errc;
using core::fail;

std::string place_of(const std::string& file, const YAML::Mark& mark) {
  return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

std::vector<std::string_view> known_keys() {
  std::vector<std::string_view> out;
  for (const auto& rule : setting_rules())
    out.push_back(rule.key);
  return out;
}

/// Adds one pair to `entries`, or what is wrong with it to `faults`.
void take(const YAML::Node& key, const YAML::Node& value, const std::string& file,
          config_entries& entries, std::vector<std::string>& faults) {
  const auto place = place_of(file, key.Mark());
  if (!key.IsScalar()) {
    faults.push_back(fmt::format("{}: a setting's name must be a plain word", place));
    return;
  }
  const auto& name = key.Scalar();
  const auto known = known_keys();
  if (std::find(known.begin(), known.end(), name) == known.end())
    faults.push_back(fmt::format("{}: there is no setting '{}'; {}", place, name,
                                 core::did_you_mean(name, known, "the settings are")));
  else if (!value.IsScalar())
    faults.push_back(fmt::format("{}: setting '{}' needs one plain value", place, name));
  else if (const auto [first, is_new] = entries.try_emplace(
               name, config_entry{value.Scalar(), place_of(file, value.Mark())});
           !is_new)
    faults.push_back(fmt::format("{}: setting '{}' is given twice, first at {}", place, name,
                                 first->second.place));
}

} // namespace

core::result<config_entries> parse_config(const std::string& text, const std::string& file_name) {
  config_entries entries;
  std::vector<std::string> faults;
  try {
    const auto document = YAML::Load(text);
    if (document.IsNull())
      return entries;
    if (!document.IsMap())
      return fail(errc::invalid_argument,
                  fmt::format("{}: a configuration file consists of lines 'setting: value'",
                              place_of(file_name, document.Mark())));
    for (const auto& pair : document)
      take(pair.first, pair.second, file_name, entries, faults);
  } catch (const YAML::Exception& fault) {
    return fail(errc::invalid_argument, fmt::format("{}: this is not YAML: {}",
                                                    place_of(file_name, fault.mark), fault.msg));
  }
  if (!faults.empty())
    return fail(errc::invalid_argument, fmt::format("{}", fmt::join(faults, "\n")));
  return entries;
}

core::result<config_entries> read_config(const std::filesystem::path& file) {
  std::error_code fault;
  if (!std::filesystem::exists(file, fault))
    return fail(errc::not_found, fmt::format("there is no configuration file '{}'", file.string()));
  if (!std::filesystem::is_regular_file(file, fault))
    return fail(errc::io_error,
                fmt::format("configuration file '{}' is no regular file", file.string()));
  const auto text = io::read_file(file, config_size_max);
  if (!text)
    return fail(text.error().code, fmt::format("configuration file '{}' cannot be read: {}",
                                               file.string(), text.error().message));
  return parse_config(*text, file.string());
}

} // namespace maze::node
