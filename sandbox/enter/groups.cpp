#include "maze/sandbox/enter/groups.hpp"

#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <memory>

namespace maze::sandbox::enter {

namespace {

/// A number in a file below the control groups: the whole file, or behind `key` on a line of it.
struct place {
  const char* path;
  const char* key;
  std::uint64_t unit;
};

bool read(const place& from, std::uint64_t& value) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(from.path, "re"),
                                                             &std::fclose);
  if (!file)
    return false;
  char word[64] = "";
  unsigned long long number = 0;
  if (from.key == nullptr) {
    if (std::fscanf(file.get(), "%llu", &number) != 1)
      return false;
    value = number * from.unit;
    return true;
  }
  while (std::fscanf(file.get(), "%63s %llu", word, &number) == 2)
    if (std::strcmp(word, from.key) == 0) {
      value = number * from.unit;
      return true;
    }
  return false;
}

std::uint64_t first_of(std::initializer_list<place> places) {
  std::uint64_t out = 0;
  for (const place& each : places)
    if (read(each, out))
      break;
  return out;
}

} // namespace

std::uint64_t cpu_time_used() {
  return first_of({{"/sys/fs/cgroup/cpu.stat", "usage_usec", 1000},
                   {"/sys/fs/cgroup/cpuacct/cpuacct.usage", nullptr, 1},
                   {"/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", nullptr, 1}});
}

std::uint64_t memory_peak() {
  return first_of({{"/sys/fs/cgroup/memory.peak", nullptr, 1},
                   {"/sys/fs/cgroup/memory/memory.max_usage_in_bytes", nullptr, 1}});
}

std::uint64_t memory_kills() {
  return first_of({{"/sys/fs/cgroup/memory.events", "oom_kill", 1},
                   {"/sys/fs/cgroup/memory/memory.oom_control", "oom_kill", 1}});
}

std::uint64_t refused_processes() {
  return first_of(
      {{"/sys/fs/cgroup/pids.events", "max", 1}, {"/sys/fs/cgroup/pids/pids.events", "max", 1}});
}

} // namespace maze::sandbox::enter
