#include "node/process_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <latch>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <vector>

namespace maze::node {

namespace {

/// Measured with one to five tasks at once, and rounded up: 449 MiB and 72 MiB for each task, nearly
/// all of it stacks and heaps of threads that are reserved and never touched.
constexpr std::uint64_t memory_base = std::uint64_t{464} << 20;
constexpr std::uint64_t memory_per_task = std::uint64_t{80} << 20;
/// The same for descriptors: the journal, the store, the event loops, a snapshot's files; two pipes and a
/// view's folders.
constexpr std::uint64_t files_base = 56;
constexpr std::uint64_t files_per_task = 12;
/// Threads of a node beside one for each task: the first, actors, the journal, events, the clock.
constexpr std::uint32_t threads_base = 10;
/// As many threads as are tried; a machine that has so many left has more.
constexpr std::uint32_t threads_tried_max = 64;

core::error too_low(std::string_view limit, const std::string& value, const std::string& needed,
                    std::uint32_t tasks_max, std::string_view remedy) {
  return {.code = core::errc::resource_exhausted,
          .message =
              fmt::format("the limit on {} is {}, and a node that runs {} {} at once needs {}: "
                          "{}{}",
                          limit, value, tasks_max, tasks_max == 1 ? "task" : "tasks", needed,
                          remedy, tasks_max > 1 ? ", or run fewer at once with --jobs" : ""),
          .origin = "start"};
}

/// A thread that cannot be started inside the actor system would leave it hanging, so this finds out
/// before.
core::result<void> try_threads(std::uint32_t count) {
  std::latch may_end(1);
  std::vector<std::jthread> threads;
  std::error_code failed;
  try {
    for (std::uint32_t i = 0; i < count; ++i)
      threads.emplace_back([&] { may_end.wait(); });
  } catch (const std::system_error& refused) {
    failed = refused.code();
  }
  may_end.count_down();
  if (!failed)
    return {};
  return core::fail(
      core::errc::resource_exhausted,
      fmt::format("this process can start {} more threads and needs {} ({}): raise the "
                  "limit on processes (ulimit -u, or pids.max of its cgroup), or run "
                  "fewer tasks at once with --jobs",
                  threads.size(), count, failed.message()),
      "start");
}

} // namespace

process_limits read_limits() {
  process_limits out;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.open_files = limit.rlim_cur;
    out.open_files_max = limit.rlim_max;
  }
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    out.memory = core::byte_count{limit.rlim_cur};
  return out;
}

core::result<void> check_limits(const process_limits& seen, std::uint32_t tasks_max) {
  const std::uint64_t files = files_base + files_per_task * tasks_max;
  if (std::max(seen.open_files, seen.open_files_max) < files)
    return core::fail(too_low(
        "open files (ulimit -n)", fmt::to_string(seen.open_files_max), fmt::to_string(files),
        tasks_max, fmt::format("raise it (ulimit -n {})", std::max<std::uint64_t>(1024, files))));
  const std::uint64_t memory = memory_base + memory_per_task * tasks_max;
  if (seen.memory && seen.memory->value < memory)
    return core::fail(
        too_low("address space (ulimit -v)", fmt::format("{} MiB", seen.memory->value >> 20),
                fmt::format("{} MiB", memory >> 20), tasks_max, "raise it (ulimit -v unlimited)"));
  return {};
}

core::result<process_limits> prepare_process(std::uint32_t tasks_max) {
  const process_limits seen = read_limits();
  if (auto enough = check_limits(seen, tasks_max); !enough)
    return core::fail(enough.error());
  if (auto enough = try_threads(std::min(threads_base + tasks_max, threads_tried_max)); !enough)
    return core::fail(enough.error());
  const rlimit raised{seen.open_files_max, seen.open_files_max};
  if (seen.open_files < seen.open_files_max && ::setrlimit(RLIMIT_NOFILE, &raised) != 0)
    if (auto enough = check_limits({seen.open_files, seen.open_files, {}}, tasks_max); !enough)
      return core::fail(enough.error());
  return seen;
}

} // namespace maze::node
