#include "maze/core/placement.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <string>
#include <tuple>
#include <vector>

namespace maze::core {
namespace {

resources only(hard_constraint kind, const resources& x) noexcept {
  switch (kind) {
  case hard_constraint::cores:
    return {.cpu_millis = x.cpu_millis, .memory = {}, .gpus = 0};
  case hard_constraint::memory:
    return {.cpu_millis = 0, .memory = x.memory, .gpus = 0};
  case hard_constraint::gpus:
    break;
  }
  return {.cpu_millis = 0, .memory = {}, .gpus = x.gpus};
}

/// For example `2 GPUs, the largest node has none`.
std::string asked_and_there(hard_constraint kind, const resources& needs,
                            const resources& largest) {
  auto asked = to_string(only(kind, needs));
  auto there = to_string(only(kind, largest));
  if (kind == hard_constraint::memory) {
    auto both = in_like_units(needs.memory, largest.memory);
    asked = std::move(both.exact) + " of memory";
    there = std::move(both.rounded);
  }
  const bool none = only(kind, largest) == resources{};
  return fmt::format("{}, the largest node has {}", asked, none ? "none" : there);
}

} // namespace

std::string_view to_string(hard_constraint x) noexcept {
  switch (x) {
  case hard_constraint::cores:
    return "cores";
  case hard_constraint::memory:
    return "memory";
  case hard_constraint::gpus:
    return "gpus";
  }
  return "unknown";
}

std::optional<hard_constraint> violated(const resources& has, const resources& needs) noexcept {
  if (needs.cpu_millis > has.cpu_millis)
    return hard_constraint::cores;
  if (needs.memory > has.memory)
    return hard_constraint::memory;
  if (needs.gpus > has.gpus)
    return hard_constraint::gpus;
  return std::nullopt;
}

bool is_better(const candidate& a, const candidate& b) noexcept {
  return std::tie(a.active, b.local_bytes, a.node) < std::tie(b.active, a.local_bytes, b.node);
}

error unplaceable(const resources& needs, const resources& largest) {
  error out{.code = errc::unschedulable, .message = {}, .origin = "schedule"};
  if (const auto broken = violated(largest, needs))
    out.message = fmt::format("the task asks for {}; ask for less or add a larger node",
                              asked_and_there(*broken, needs, largest));
  else
    out.message =
        fmt::format("no node has {} at once; ask for less or add a larger node", to_string(needs));
  return out;
}

error unplaceable(const sandbox_offer& missing) {
  error out{.code = errc::unschedulable, .message = {}, .origin = "schedule"};
  constexpr std::string_view able = "`maze-node doctor` says what a machine lacks for it";
  if (missing.container || missing.sealed)
    out.message = fmt::format("the task asks for sandbox level {}, which no node gives: {}, and a "
                              "task with `degrade: allow` takes less",
                              missing.container ? "container" : "seccomp", able);
  else if (missing.cpu_shares)
    out.message = fmt::format("the task has a `cpu_share`, which no node can keep: {}, and a task "
                              "with `degrade: allow` does without",
                              able);
  else if (!missing.permissions.empty())
    out.message = fmt::format("the task needs the permission {}, which no node gives: start one "
                              "whose --permit has it",
                              to_string(missing.permissions));
  else if (!missing.variables.empty())
    out.message = fmt::format("the task asks for variable {} of its node, which no node lets out: "
                              "start one with --pass-env {}",
                              missing.variables.front(), missing.variables.front());
  return out;
}

error unplaceable(const node_labels& missing, bool draining) {
  error out{.code = errc::unschedulable, .message = {}, .origin = "schedule"};
  const auto& [name, text] = *missing.begin();
  if (name == name_label)
    out.message =
        fmt::format("the task asks for node {}, which {}: `maze-node nodes` lists those "
                    "that are there",
                    printable(text), draining ? "gets no new tasks any more" : "is not there");
  else
    out.message =
        fmt::format("the task asks for a node with the label {0}, which {1}: start one "
                    "with --label {0}",
                    to_string(node_labels{{name, text}}),
                    draining ? "only nodes have that get no new tasks any more" : "none has");
  return out;
}

error unplaceable(const resources& needs, const sandbox_offer& sandbox, const node_labels& labels) {
  std::vector<std::string> parts;
  if (needs != resources{})
    parts.push_back(to_string(needs));
  if (sandbox.container || sandbox.sealed)
    parts.push_back(fmt::format("sandbox level {}", sandbox.container ? "container" : "seccomp"));
  if (sandbox.cpu_shares)
    parts.emplace_back("shares of cores");
  if (!sandbox.permissions.empty())
    parts.push_back("permission " + to_string(sandbox.permissions));
  for (const std::string& variable : sandbox.variables)
    parts.push_back("variable " + variable);
  for (const auto& each : labels)
    parts.push_back("label " + to_string(node_labels{each}));
  return {.code = errc::unschedulable,
          .message = fmt::format("no node has {} at once, though each is there: ask for less, or "
                                 "start a node that has all",
                                 fmt::join(parts, ", ")),
          .origin = "schedule"};
}

} // namespace maze::core
