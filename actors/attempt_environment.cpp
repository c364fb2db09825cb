#include "maze/actors/attempt_environment.hpp"

#include "maze/io/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace maze::actors {

namespace {

/// MAX_ARG_STRLEN of Linux: 32 pages, the ending NUL included.
constexpr std::size_t variable_size_max = 131072 - 1;

std::string from_process(const char* name, const char* otherwise) {
  const char* text = std::getenv(name);
  return text ? text : otherwise;
}

core::result<void> check(const std::string& name, const std::string& text) {
  if (text.find('\0') != std::string::npos)
    return core::fail(
        core::errc::invalid_payload,
        fmt::format("the value of {} contains a NUL byte, which an environment variable "
                    "cannot hold: pass it in a file",
                    name),
        "resolve");
  if (name.size() + 1 + text.size() > variable_size_max)
    return core::fail(
        core::errc::invalid_payload,
        fmt::format("the value of {} is {} bytes long, an environment variable holds at "
                    "most {}: pass it in a file",
                    name, text.size(), variable_size_max - name.size() - 1),
        "resolve");
  return {};
}

using variable_map = std::map<std::string, std::string>;

/// Tells a child which GPUs are its own, whatever its task declares; one without any may look further
/// if its task says so.
void tell_gpus(const io::gpu_devices& node, const std::vector<std::uint32_t>& granted,
               variable_map& to) {
  if (granted.empty()) {
    if (node.told)
      to.try_emplace("CUDA_VISIBLE_DEVICES");
    return;
  }
  std::string ids;
  for (const std::uint32_t gpu : granted)
    ids += (ids.empty() ? "" : ",") + node.ids.at(gpu);
  to["CUDA_VISIBLE_DEVICES"] = std::move(ids);
  to["CUDA_DEVICE_ORDER"] = node.order;
}

} // namespace

base_environment base_environment::of_this_process(const std::vector<std::string>& passed) {
  base_environment out;
  for (const std::string& name : passed)
    out.passed.insert_or_assign(name, from_process(name.c_str(), ""));
  out.lang = from_process("LANG", "C.UTF-8");
  out.time_zone = from_process("TZ", "");
  return out;
}

core::sandbox_spec sandbox_here(const core::sandbox_spec& asked, core::sandbox_level minimum,
                                const core::sandbox_offer& offers) {
  auto out = core::degraded(asked, offers);
  out.level = std::max(out.level, minimum);
  return out;
}

core::result<void> check_permitted(core::permission_set needed, core::permission_set permitted) {
  if (const auto missing = needed.without(permitted); !missing.empty())
    return core::fail(core::errc::permission_denied,
                      fmt::format("the task needs the permission {}, which this node does not "
                                  "give: its --permit says what it gives",
                                  core::to_string(missing)),
                      "resolve");
  return {};
}

void show_gpus(const io::gpu_devices& node, const std::vector<std::uint32_t>& granted,
               core::sandbox_spec& to) {
  if (!to.sealed() || granted.empty())
    return;
  const auto show = [&to](const std::string& file) {
    if (!file.empty()
        && std::find(to.writable.begin(), to.writable.end(), file) == to.writable.end())
      to.writable.push_back(file);
  };
  for (const std::uint32_t gpu : granted)
    if (gpu < node.files.size())
      show(node.files[gpu]);
  for (const std::string& file : node.common_files)
    show(file);
}

core::result<std::vector<std::string>> attempt_environment(const base_environment& base,
                                                           const attempt_labels& labels,
                                                           const std::filesystem::path& home,
                                                           const core::task_spec& spec,
                                                           const core::resolved_call& call) {
  variable_map variables{
      {"PATH", base.path},        {"HOME", home.string()},
      {"LANG", base.lang},        {"MAZE_RUN", labels.run},
      {"MAZE_TASK", labels.task}, {"MAZE_ATTEMPT", std::to_string(labels.number)},
  };
  if (!base.time_zone.empty())
    variables["TZ"] = base.time_zone;
  for (const auto& [name, argument] : call.arguments) {
    const std::string variable = "MAZE_INPUT_" + name;
    if (const auto* text = argument.as<std::string>()) {
      variables[variable] = *text;
    } else {
      auto json = io::to_json(argument);
      if (!json)
        return core::fail(json.error());
      variables[variable] = std::move(*json);
    }
  }
  for (const std::string& name : spec.sandbox.variables) {
    const auto known = base.passed.find(name);
    if (known == base.passed.end())
      return core::fail(core::errc::permission_denied,
                        fmt::format("the node does not let tasks have its variable {}: start it "
                                    "with --pass-env {}",
                                    name, name),
                        "resolve");
    // One that is not set here stays what it was.
    if (!known->second.empty())
      variables[name] = known->second;
  }
  for (const auto& [name, text] : spec.environment)
    variables[name] = text;
  tell_gpus(base.gpus, labels.gpus, variables);
  std::vector<std::string> out;
  out.reserve(variables.size());
  for (auto& [name, text] : variables) {
    if (auto fine = check(name, text); !fine)
      return core::fail(fine.error());
    out.push_back(name + '=' + text);
  }
  return out;
}

} // namespace maze::actors
