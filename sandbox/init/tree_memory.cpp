#include "maze/sandbox/init/tree_memory.hpp"

#include "maze/sandbox/init/cgroup_files.hpp"

#include <charconv>
#include <dirent.h>
#include <set>
#include <string>
#include <string_view>

namespace maze::sandbox::init {
namespace {

/// The children of each thread of a process.
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  DIR* const open = ::opendir(folder.c_str());
  if (open == nullptr)
    return out;
  while (const dirent* const entry = ::readdir(open)) {
    if (entry->d_name[0] == '.')
      continue;
    const std::string text = read_text(folder + "/" + entry->d_name + "/children");
    for (const char* at = text.data(); at < text.data() + text.size();) {
      pid_t child = 0;
      const auto [next, failed] = std::from_chars(at, text.data() + text.size(), child);
      if (failed != std::errc())
        break;
      out.push_back(child);
      at = next + 1;
    }
  }
  ::closedir(open);
  return out;
}

std::uint64_t memory_of(pid_t pid) {
  const std::string text = read_text("/proc/" + std::to_string(pid) + "/smaps_rollup");
  constexpr std::string_view name = "\nPss:";
  const auto at = text.find(name);
  if (at == std::string::npos)
    return 0;
  const auto digits = text.find_first_not_of(' ', at + name.size());
  std::uint64_t kib = 0;
  if (digits != std::string::npos)
    std::from_chars(text.data() + digits, text.data() + text.size(), kib);
  return kib * 1024;
}

} // namespace

std::uint64_t memory_of_trees(const std::vector<pid_t>& roots, pid_t above) {
  std::uint64_t out = 0;
  std::set<pid_t> seen;
  std::vector<pid_t> waiting = roots;
  if (above > 1) {
    const auto below = children_of(above);
    waiting.insert(waiting.end(), below.begin(), below.end());
  }
  while (!waiting.empty()) {
    const pid_t pid = waiting.back();
    waiting.pop_back();
    if (!seen.insert(pid).second)
      continue;
    out += memory_of(pid);
    const auto below = children_of(pid);
    waiting.insert(waiting.end(), below.begin(), below.end());
  }
  return out;
}

} // namespace maze::sandbox::init
