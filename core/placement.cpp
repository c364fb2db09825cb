#include "maze/core/placement.hpp"

#include <fmt/format.h>

#include <tuple>

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

} // namespace maze::core
