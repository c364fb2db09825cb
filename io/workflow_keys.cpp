#include "maze/io/workflow_keys.hpp"

#include "maze/core/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace maze::io {

namespace {

constexpr auto workflow_keys = std::to_array<known_key>({
    {.name = "maze", .required = true, .example = "maze: 1"},
    {.name = "name", .required = true, .example = "name: my-run"},
    {.name = "context"},
    {.name = "files"},
    {.name = "libraries"},
    {.name = "defaults"},
    {.name = "tasks",
     .required = true,
     .example = "tasks: {name: {command: [program], output: {run: dict}}}"},
    {.name = "collect"},
    {.name = "result"},
    {.name = "conflicts"},
    {.name = "sync"},
    // Editors of JSON write it to find the schema; it says nothing about the work.
    {.name = "$schema"},
});

constexpr auto secret_keys =
    std::to_array<known_key>({{.name = "secret", .required = true, .example = "secret: env:NAME"}});

constexpr auto file_keys = std::to_array<known_key>({
    {.name = "from", .required = true, .example = "from: path"},
    {.name = "match"},
    {.name = "except"},
    {.name = "to"},
});

/// What a task may say and `defaults` may say for it.
constexpr auto defaults_keys = std::to_array<known_key>({
    {.name = "output"},
    {.name = "outputs"},
    {.name = "cpus"},
    {.name = "memory"},
    {.name = "gpus"},
    {.name = "timeout"},
    {.name = "retries"},
    {.name = "labels"},
    {.name = "required_role"},
    {.name = "required_platform"},
    {.name = "sandbox"},
    {.name = "required_permissions"},
    {.name = "env"},
    {.name = "ok_exit"},
    {.name = "priority"},
    {.name = "file_report"},
});

constexpr auto own_task_keys = std::to_array<known_key>({
    {.name = "command"},
    {.name = "shell"},
    {.name = "function"},
    {.name = "python"},
    {.name = "code"},
    {.name = "code_str"},
    {.name = "pickle"},
    {.name = "serialized_code"},
    {.name = "entry"},
    {.name = "child"},
    {.name = "max_calls"},
    {.name = "params"},
    {.name = "inputs"},
    {.name = "after"},
    {.name = "deletes"},
    {.name = "publishes"},
    {.name = "reads"},
    {.name = "writes"},
});

constexpr auto task_keys = [] {
  std::array<known_key, own_task_keys.size() + defaults_keys.size()> out{};
  std::copy(defaults_keys.begin(), defaults_keys.end(),
            std::copy(own_task_keys.begin(), own_task_keys.end(), out.begin()));
  return out;
}();

constexpr auto sandbox_keys = std::to_array<known_key>({
    {.name = "level"},
    {.name = "timeout"},
    {.name = "cpu_time"},
    {.name = "cpu_share"},
    {.name = "memory"},
    {.name = "address_space"},
    {.name = "file_size"},
    {.name = "disk"},
    {.name = "open_files"},
    {.name = "processes"},
    {.name = "network"},
    {.name = "readable"},
    {.name = "writable"},
    {.name = "syscalls"},
    {.name = "environment"},
    {.name = "degrade"},
    {.name = "imports"},
    {.name = "image"},
    {.name = "temporary"},
    {.name = "reuse"},
    {.name = "violation"},
    // Those of `sandbox_spellings`.
    {.name = "max_memory_mb"},
    {.name = "max_cpu_time"},
    {.name = "allowed_imports"},
    {.name = "docker_image"},
    {.name = "network_enabled"},
    {.name = "mount_paths"},
    {.name = "allowed_syscalls"},
    {.name = "allow_network"},
    {.name = "allow_filesystem"},
    {.name = "allowed_paths"},
    {.name = "max_file_size"},
    {.name = "max_execution_time"},
    {.name = "memory_limit"},
    {.name = "cpu_limit"},
});

constexpr auto parameter_keys = std::to_array<known_key>({{.name = "type"}, {.name = "default"}});

constexpr auto output_keys = std::to_array<known_key>({{.name = "type"}});

constexpr auto sync_keys =
    std::to_array<known_key>({{.name = "ignore"}, {.name = "include"}, {.name = "verify"}});

constexpr auto sections = std::to_array<workflow_section>({
    workflow_section::workflow,
    workflow_section::secret,
    workflow_section::file,
    workflow_section::defaults,
    workflow_section::task,
    workflow_section::sandbox,
    workflow_section::parameter,
    workflow_section::output,
    workflow_section::sync,
});

/// What other tools call things, where no edit distance leads to our word.
constexpr auto other_words = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"cmd", "command"},
    {"argv", "command"},
    {"exec", "command"},
    {"entrypoint", "command"},
    {"run", "shell"},
    {"script", "shell"},
    {"bash", "shell"},
    {"sh", "shell"},
    {"callable", "function"},
    {"library", "libraries"},
    {"libs", "libraries"},
    {"depends_on", "after"},
    {"dependsOn", "after"},
    {"depends", "after"},
    {"dependencies", "after"},
    {"deps", "after"},
    {"needs", "after"},
    {"requires", "after"},
    {"environment", "env"},
    {"env_vars", "env"},
    {"ram", "memory"},
    {"mem", "memory"},
    {"cores", "cpus"},
    {"parameters", "params"},
    {"version", "maze"},
    {"nice", "priority"},
    {"node_selector", "labels"},
    {"nodeSelector", "labels"},
    {"constraints", "labels"},
    {"role", "required_role"},
    {"platform", "required_platform"},
    {"retry", "retries"},
    {"attempts", "retries"},
    {"max_retries", "retries"},
    {"retry_count", "retries"},
    {"time_limit", "timeout"},
    {"timeout_seconds", "timeout"},
    {"exit_code", "ok_exit"},
    {"exit_codes", "ok_exit"},
    {"steps", "tasks"},
    {"jobs", "tasks"},
    {"variables", "context"},
    {"vars", "context"},
    {"source", "from"},
    {"src", "from"},
    {"path", "from"},
    {"destination", "to"},
    {"dest", "to"},
    {"target", "to"},
    {"glob", "match"},
    {"pattern", "match"},
    {"include", "match"},
    {"exclude", "except"},
    {"excludes", "except"},
    {"ignore", "except"},
    {"ignore", "sync"},
    {"include", "sync"},
    {"exclude", "ignore"},
    {"excludes", "ignore"},
    {"except", "ignore"},
    {"gitignore", "ignore"},
    {"on_conflict", "conflicts"},
});

std::vector<std::string_view> names_of(workflow_section section) {
  std::vector<std::string_view> names;
  for (const auto& key : known_keys(section))
    names.push_back(key.name);
  return names;
}

} // namespace

std::span<const known_key> known_keys(workflow_section section) noexcept {
  switch (section) {
  case workflow_section::workflow:
    return workflow_keys;
  case workflow_section::secret:
    return secret_keys;
  case workflow_section::file:
    return file_keys;
  case workflow_section::defaults:
    return defaults_keys;
  case workflow_section::task:
    return task_keys;
  case workflow_section::sandbox:
    return sandbox_keys;
  case workflow_section::parameter:
    return parameter_keys;
  case workflow_section::output:
    return output_keys;
  case workflow_section::sync:
    return sync_keys;
  }
  return {};
}

const known_key* find_key(workflow_section section, std::string_view name) noexcept {
  const auto keys = known_keys(section);
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const known_key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

std::string_view section_name(workflow_section section) noexcept {
  switch (section) {
  case workflow_section::workflow:
    return "a workflow";
  case workflow_section::secret:
    return "a secret";
  case workflow_section::file:
    return "an entry of files";
  case workflow_section::defaults:
    return "defaults";
  case workflow_section::task:
    return "a task";
  case workflow_section::sandbox:
    return "sandbox";
  case workflow_section::parameter:
    return "a parameter";
  case workflow_section::output:
    return "an output";
  case workflow_section::sync:
    return "sync";
  }
  return "this map";
}

std::span<const workflow_section> all_sections() noexcept { return sections; }

std::optional<std::string_view> meant_key(workflow_section section, std::string_view name) {
  for (const auto& [foreign, ours] : other_words)
    if (foreign == name && find_key(section, ours) != nullptr)
      return ours;
  return core::nearest(name, names_of(section));
}

std::string key_remedy(workflow_section section, std::string_view name) {
  if (const auto meant = meant_key(section, name))
    return fmt::format("did you mean `{}`?", *meant);
  return core::did_you_mean(name, names_of(section),
                            fmt::format("{} knows", section_name(section)));
}

} // namespace maze::io
