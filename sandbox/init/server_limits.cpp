// When a child has had its time, CPU time or memory.
#include "maze/sandbox/init/server.hpp"
#include "maze/sandbox/init/tree_memory.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <sys/wait.h>
#include <thread>

namespace maze::sandbox::init {
namespace {

/// How exactly a limit of CPU time is kept.
constexpr std::chrono::milliseconds cpu_interval{10};
/// How often memory is looked at: what a tree takes in that time may be beyond its limit.
constexpr std::chrono::milliseconds memory_interval{50};

} // namespace

void server::enforce_deadlines() {
  if (deadlines_.empty())
    return;
  const auto now = clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const deadline next = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    const auto found = children_.find(next.id);
    if (found == children_.end() || found->second->main_dead)
      continue;
    child& x = *found->second;
    switch (next.what) {
    case due::cpu:
      check_cpu(x, now);
      break;
    case due::memory:
      check_memory(x, now);
      break;
    case due::wall:
      x.wall_passed = true;
      [[fallthrough]];
    case due::stop:
      kill_main(x, SIGKILL);
    }
  }
}

int server::milliseconds_to_next_deadline() const {
  if (deadlines_.empty())
    return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadlines_.begin()->first - clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

void server::check_cpu(child& x, clock::time_point now) {
  const auto used = x.groups.cpu_ns();
  if (!used)
    return;
  const auto left = *x.cpu_limit - std::chrono::nanoseconds(*used);
  if (left <= left.zero()) {
    x.cpu_passed = true;
    kill_main(x, SIGKILL);
    return;
  }
  // Even on all cores it takes that long.
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  const auto next = std::max<std::chrono::nanoseconds>(left / cores, cpu_interval);
  deadlines_.emplace(now + next, deadline{x.report.id, due::cpu});
}

void server::check_memory(child& x, clock::time_point now) {
  std::vector<pid_t> roots;
  if (x.main > 1)
    roots.push_back(x.main);
  const pid_t above = x.inside ? x.inside->first : x.kept.pid;
  std::uint64_t used = memory_of_trees(roots, above);
  x.report.memory_peak = std::max(x.report.memory_peak, used);
  if (used > *x.memory_watched) {
    x.memory_passed = true;
    kill_main(x, SIGKILL);
    return;
  }
  deadlines_.emplace(now + memory_interval, deadline{x.report.id, due::memory});
}

void server::read_groups(child& x) {
  auto& report = x.report;
  if (const auto peak = x.groups.memory_peak())
    report.memory_peak = *peak;
  report.refused_processes = x.groups.refused_processes();
  // The kernel kills one process of the tree, and the others may go on and end well. A signal of another kind has a reason of
  // its own.
  const bool other_signal =
      WIFSIGNALED(report.wait_status) && WTERMSIG(report.wait_status) != SIGKILL;
  const bool too_much = x.memory_passed || (!other_signal && x.groups.oom_kills() > 0);
  if (too_much && report.cause != protocol::end_cause::stopped
      && report.cause != protocol::end_cause::wall_limit
      && report.cause != protocol::end_cause::forbidden_call
      && report.cause != protocol::end_cause::setup_failed)
    report.cause = protocol::end_cause::memory_limit;
  groups_.give_back(x.groups);
}

} // namespace maze::sandbox::init
