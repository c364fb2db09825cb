#include "maze/core/function_libraries.hpp"

#include <algorithm>

namespace maze::core {

namespace {

void add_library(std::vector<std::string>& to, const task_action& action) {
  const auto* own = std::get_if<function_action>(&action);
  if (own != nullptr && std::find(to.begin(), to.end(), own->library) == to.end())
    to.push_back(own->library);
}

} // namespace

std::vector<std::string> libraries_of(const call_plan& plan) {
  std::vector<std::string> out;
  for (const call_function& each : plan.functions)
    add_library(out, each.action);
  return out;
}

std::vector<std::string> libraries_of(const graph& tasks, task_id task) {
  std::vector<std::string> out;
  const task_spec& own = tasks.spec(task);
  add_library(out, own.action);
  if (out.empty() || !is_kept(own.child))
    return out;
  for (std::uint64_t i = 0; i < tasks.size(); ++i)
    if (const task_spec& each = tasks.spec(task_id{i}); is_kept(each.child))
      add_library(out, each.action);
  return out;
}

} // namespace maze::core
