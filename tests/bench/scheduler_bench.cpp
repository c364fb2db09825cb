// How many tasks a second does the scheduler place with 1,000 nodes and 1,000,000 tasks waiting, in few
// shapes and in many, and how many does a run take from offer to the next? Beside it the floor: a
// priority queue and a hash map doing nothing else. One JSON object a line.

#include "maze/core/graph_run.hpp"
#include "maze/core/scheduler.hpp"

#include <fmt/format.h>

#include <chrono>
#include <malloc.h>
#include <memory>
#include <queue>
#include <unordered_map>

using namespace maze::core;

namespace {

using bench_clock = std::chrono::steady_clock;

constexpr std::size_t task_count = 1'000'000;
constexpr std::size_t node_count = 1'000;

void print(const std::string& name, double value, const std::string& unit) {
  fmt::print("{{\"name\":\"{}\",\"value\":{:.4g},\"unit\":\"{}\"}}\n", name, value, unit);
}

double seconds_since(bench_clock::time_point begin) {
  return std::chrono::duration<double>(bench_clock::now() - begin).count();
}

std::uint64_t next_random() {
  static std::uint64_t state = 88172645463325252U;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

std::vector<ready_task> draw_tasks(std::uint32_t shapes) {
  std::vector<ready_task> tasks(task_count);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto shape = next_random() % shapes;
    tasks[i] = {.run = run_id{1},
                .task = task_id{i},
                .attempt = {1, i + 1},
                .needs = {.cpu_millis = static_cast<std::uint32_t>(1 + shape % 8) * 500,
                          .memory = {(1 + shape) << 20},
                          .gpus = 0},
                .priority = static_cast<std::int32_t>(next_random() % 4),
                .local_bytes = {}};
  }
  return tasks;
}

/// Nodes free up one attempt or one batch at a time while a million tasks wait; until all have run.
void drain_queue(std::uint32_t shapes, std::size_t batch) {
  scheduler sut({.prefetch = 2, .passes_max = 256});
  const auto tasks = draw_tasks(shapes);
  auto begin = bench_clock::now();
  sut.submit(tasks);
  const auto name = fmt::format("{} shapes, batches of {}", shapes, batch);
  print("submit, no node, " + name, task_count / seconds_since(begin), "tasks/s");
  begin = bench_clock::now();
  std::vector<attempt_id> active;
  std::size_t placed = 0;
  const auto take = [&](const scheduling_actions& actions) {
    placed += actions.size();
    for (const auto& action : actions)
      active.push_back(std::get<assign>(action).attempt);
  };
  for (std::size_t i = 0; i < node_count; ++i)
    take(sut.node_joined(node_id{i}, {.cpu_millis = 32'000, .memory = {~std::uint64_t{0} >> 8}}));
  std::vector<attempt_id> ended;
  while (!active.empty()) {
    ended.clear();
    for (std::size_t i = 0; i < batch && !active.empty(); ++i) {
      std::swap(active[next_random() % active.size()], active.back());
      ended.push_back(active.back());
      active.pop_back();
    }
    take(sut.attempts_ended(ended));
  }
  print("place and end, 1000 nodes, " + name, static_cast<double>(placed) / seconds_since(begin),
        "decisions/s");
}

/// What any scheduler must do at least: pop the best and note it.
void floor() {
  std::priority_queue<std::pair<std::int32_t, std::uint64_t>> waiting;
  for (std::size_t i = 0; i < task_count; ++i)
    waiting.emplace(static_cast<std::int32_t>(next_random() % 4), task_count - i);
  std::unordered_map<std::uint64_t, std::uint64_t> active;
  const auto begin = bench_clock::now();
  while (!waiting.empty()) {
    active.emplace(waiting.top().second, next_random() % node_count);
    waiting.pop();
  }
  print("floor: priority queue pop and hash map insert", task_count / seconds_since(begin),
        "decisions/s");
}

double heap_bytes() {
  const auto now = mallinfo2();
  return static_cast<double>(now.uordblks + now.hblkhd);
}

/// A million tasks in layers of 1,000, each after two of the layer before.
void whole_run() {
  std::vector<task_spec> specs(task_count);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    specs[i].name = fmt::format("t{}", i);
    if (i >= 1000)
      specs[i].after = {fmt::format("t{}", i - 1000), fmt::format("t{}", i - 1 - i % 1000)};
  }
  const auto before = heap_bytes();
  auto begin = bench_clock::now();
  const auto tasks = std::make_shared<const graph>(graph::build(std::move(specs)).value());
  print("build a graph of 1M tasks, 2 edges each", task_count / seconds_since(begin), "tasks/s");
  graph_run sut(tasks, {.offered_max = 4096});
  std::vector<attempt_id> out;
  const auto take = [&](const run_step& step) {
    for (const auto& deed : step.todo)
      if (const auto* offer = std::get_if<offer_task>(&deed))
        out.push_back(offer->attempt);
  };
  begin = bench_clock::now();
  take(sut.start({}));
  std::size_t next = 0;
  while (next < out.size()) {
    const auto attempt = out[next++];
    sut.attempt_assigned(attempt, node_id{1}, {});
    take(sut.publish(attempt, {}, {}, {}).value());
    if (next == 65'536) {
      out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(next));
      next = 0;
    }
  }
  print("run 1M tasks, from offer to publication", task_count / seconds_since(begin), "tasks/s");
  print("memory of graph and run beside the specs", (heap_bytes() - before) / task_count, "B/task");
  if (sut.state() != run_state::completed)
    fmt::print(stderr, "scheduler_bench: the run did not complete\n");
}

} // namespace

int main() {
  floor();
  drain_queue(16, 1);
  drain_queue(16, 256);
  drain_queue(10'000, 1);
  whole_run();
}
