#include "sim/draws.hpp"

#include <string>
#include <vector>

namespace maze::sim {
using namespace core;
namespace {

/// With `mostly_gpus` nothing but GPUs is scarce.
resources draw_needs(dice& fate, bool mostly_gpus) {
  if (mostly_gpus)
    return {.cpu_millis = 100, .memory = {}, .gpus = fate.below(3)};
  return {.cpu_millis = fate.percent(1) ? 9000 : fate.below(9) * 500,
          .memory = {fate.below(5)},
          .gpus = fate.percent(10) ? 1 + fate.below(2) : 0};
}

task_spec draw_task(dice& fate, std::size_t number, bool mostly_gpus) {
  task_spec spec;
  spec.name = "t" + std::to_string(number) + "x";
  spec.needs = draw_needs(fate, mostly_gpus);
  spec.retries = fate.below(3);
  spec.priority = static_cast<std::int32_t>(fate.below(3)) - 1;
  if (fate.percent(30))
    spec.deletes = {"a", "b/y"};
  return spec;
}

} // namespace

graph draw_graph(dice& fate) {
  const auto size = fate.percent(10) ? fate.below(2) : 2 + fate.below(16);
  const auto density = 1 + fate.below(30);
  const bool mostly_gpus = fate.percent(25);
  std::vector<task_spec> tasks;
  for (std::size_t i = 0; i < size; ++i) {
    tasks.push_back(draw_task(fate, i, mostly_gpus));
    for (std::size_t above = 0; above < i; ++above)
      if (fate.percent(density))
        tasks.back().after.push_back(tasks[above].name);
    if (!tasks.back().after.empty() && fate.percent(50))
      tasks.back().inputs["x"] = {reference{.task = tasks.back().after.front(), .path = {}}};
  }
  // Ids that follow the edges would hide an order by id where one by dependency is meant.
  for (std::size_t i = size; i > 1; --i)
    std::swap(tasks[i - 1], tasks[fate.below(static_cast<std::uint32_t>(i))]);
  return graph::build(std::move(tasks)).value();
}

conflict_policy draw_policy(dice& fate) {
  const auto drawn = fate.below(4);
  return drawn == 0   ? conflict_policy::last_wins
         : drawn == 1 ? conflict_policy::rename
                      : conflict_policy::fail;
}

manifest_delta draw_files(dice& fate, std::uint32_t writing_percent, task_id task) {
  static const std::string paths[] = {"a", "a/x", "a/y", "b", "b/y", "b/y/z", "c", "d", "e"};
  manifest_delta out;
  if (!fate.percent(writing_percent))
    return out;
  const auto& path = paths[fate.below(9)];
  file_entry entry;
  entry.hash = {1, fate.percent(60) ? 0 : task.value + 1};
  if (path.size() == 1 && fate.percent(50)) {
    entry = {.kind = file_kind::directory, .hash = {}, .size = 0, .mode = 0755, .target = {}};
    if (fate.percent(50))
      out.written[path + "/x"].hash = {2, task.value + 1};
  }
  out.written[path] = entry;
  for (const auto& gone : paths)
    if (out.written.count(gone) == 0 && fate.percent(10))
      out.removed.push_back(gone);
  return out;
}

} // namespace maze::sim
