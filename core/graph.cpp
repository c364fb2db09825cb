#include "maze/core/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>

namespace maze::core {
namespace {

/// Longer cycles are printed with their middle left out, so that the sentence stays readable.
constexpr std::size_t cycle_names_max = 16;

using edge_lists = std::vector<std::vector<std::size_t>>;

std::string cycle_text(const std::vector<task_spec>& tasks, const std::vector<std::size_t>& cycle) {
  const auto length = cycle.size();
  std::string text;
  for (std::size_t i = 0; i < length; ++i) {
    if (length > cycle_names_max && i == cycle_names_max - 2) {
      text += fmt::format(" -> ({} more)", length - cycle_names_max + 1);
      i = length - 2;
      continue;
    }
    text += (i == 0 ? "" : " -> ") + tasks[cycle[i]].name;
  }
  return text;
}

edge_lists lists_of(const graph& tasks) {
  edge_lists edges(tasks.size());
  for (std::size_t i = 0; i < edges.size(); ++i)
    for (const task_id dependency : tasks.dependencies(task_id{i}))
      edges[i].push_back(dependency.value);
  return edges;
}

} // namespace

result<graph> graph::build(std::vector<task_spec> tasks) {
  graph made;
  made.tasks_ = std::move(tasks);
  if (auto named = made.index_names(); !named)
    return fail(std::move(named.error()));
  if (auto linked = made.link_dependencies(); !linked)
    return fail(std::move(linked.error()));
  made.link_successors();
  made.sort();
  if (made.order_.size() < made.size()) {
    const auto cycle = find_cycle(lists_of(made)).value();
    return fail(errc::invalid_argument,
                fmt::format("the tasks {} wait for each other; remove one of these dependencies",
                            cycle_text(made.tasks_, cycle)));
  }
  return made;
}

std::optional<task_id> graph::find(std::string_view name) const noexcept {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [this](std::uint32_t task, std::string_view wanted) { return tasks_[task].name < wanted; });
  if (found == by_name_.end() || tasks_[*found].name != name)
    return std::nullopt;
  return task_id{*found};
}

std::span<const task_id> graph::dependencies(task_id task) const noexcept {
  const auto* first = dependencies_.data();
  return {first + dependency_begin_[task.value], first + dependency_begin_[task.value + 1]};
}

std::span<const task_id> graph::successors(task_id task) const noexcept {
  const auto* first = successors_.data();
  return {first + successor_begin_[task.value], first + successor_begin_[task.value + 1]};
}

result<void> graph::index_names() {
  if (tasks_.size() >= std::numeric_limits<std::uint32_t>::max())
    return fail(errc::limit_exceeded,
                fmt::format("a run of {} tasks cannot be numbered with 32 bits", tasks_.size()));
  by_name_.resize(tasks_.size());
  for (std::uint32_t i = 0; i < by_name_.size(); ++i)
    by_name_[i] = i;
  std::sort(by_name_.begin(), by_name_.end(),
            [this](std::uint32_t a, std::uint32_t b) { return tasks_[a].name < tasks_[b].name; });
  const auto twice = std::adjacent_find(
      by_name_.begin(), by_name_.end(),
      [this](std::uint32_t a, std::uint32_t b) { return tasks_[a].name == tasks_[b].name; });
  if (twice != by_name_.end())
    return fail(errc::already_exists,
                fmt::format("two tasks are named \"{}\"; rename one", tasks_[*twice].name));
  return {};
}

result<void> graph::link_dependencies() {
  dependency_begin_.reserve(size() + 1);
  dependency_begin_.push_back(0);
  for (const auto& spec : tasks_) {
    const auto first = static_cast<std::ptrdiff_t>(dependencies_.size());
    const std::string* unknown = nullptr;
    const auto add = [&](const std::string& name) {
      if (const auto task = find(name))
        dependencies_.push_back(*task);
      else if (unknown == nullptr)
        unknown = &name;
    };
    for_each_reference(spec, [&](const reference& ref) { add(ref.task); });
    for (const auto& name : spec.after)
      add(name);
    if (unknown != nullptr)
      return fail(
          errc::not_found,
          fmt::format("task \"{}\" depends on \"{}\", which does not exist", spec.name, *unknown));
    std::sort(dependencies_.begin() + first, dependencies_.end());
    dependencies_.erase(std::unique(dependencies_.begin() + first, dependencies_.end()),
                        dependencies_.end());
    if (dependencies_.size() > std::numeric_limits<std::uint32_t>::max())
      return fail(errc::limit_exceeded, "more than 4294967295 dependencies in one run");
    dependency_begin_.push_back(static_cast<std::uint32_t>(dependencies_.size()));
  }
  return {};
}

void graph::link_successors() {
  successor_begin_.assign(size() + 1, 0);
  for (const task_id dependency : dependencies_)
    ++successor_begin_[dependency.value + 1];
  for (std::size_t i = 0; i < size(); ++i)
    successor_begin_[i + 1] += successor_begin_[i];
  successors_.resize(dependencies_.size());
  auto next = successor_begin_;
  for (std::size_t i = 0; i < size(); ++i)
    for (const task_id dependency : dependencies(task_id{i}))
      successors_[next[dependency.value]++] = task_id{i};
}

void graph::sort() {
  std::vector<std::uint32_t> missing(size());
  std::priority_queue<task_id, std::vector<task_id>, std::greater<>> ready;
  for (std::size_t i = 0; i < size(); ++i) {
    missing[i] = dependency_begin_[i + 1] - dependency_begin_[i];
    if (missing[i] == 0)
      ready.push(task_id{i});
  }
  order_.reserve(size());
  while (!ready.empty()) {
    order_.push_back(ready.top());
    ready.pop();
    for (const task_id successor : successors(order_.back()))
      if (--missing[successor.value] == 0)
        ready.push(successor);
  }
}

std::optional<std::vector<std::size_t>>
find_cycle(std::span<const std::vector<std::size_t>> edges) {
  enum class mark : std::uint8_t { fresh, open, done };
  std::vector<mark> marks(edges.size(), mark::fresh);
  // The path from a start to the node under examination, with the number of edges followed so far;
  // kept by hand because a run may be a chain of a million tasks.
  std::vector<std::pair<std::size_t, std::size_t>> path;
  for (std::size_t start = 0; start < edges.size(); ++start) {
    if (marks[start] != mark::fresh)
      continue;
    path.emplace_back(start, 0);
    marks[start] = mark::open;
    while (!path.empty()) {
      auto& [node, followed] = path.back();
      if (followed == edges[node].size()) {
        marks[node] = mark::done;
        path.pop_back();
        continue;
      }
      const std::size_t next = edges[node][followed++];
      if (marks[next] == mark::open) {
        std::vector<std::size_t> cycle;
        auto step = std::find_if(path.begin(), path.end(),
                                 [next](const auto& entry) { return entry.first == next; });
        for (; step != path.end(); ++step)
          cycle.push_back(step->first);
        cycle.push_back(next);
        return cycle;
      }
      if (marks[next] == mark::fresh) {
        marks[next] = mark::open;
        path.emplace_back(next, 0);
      }
    }
  }
  return std::nullopt;
}

} // namespace maze::core
