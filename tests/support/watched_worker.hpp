#pragma once

#include "maze/io/files.hpp"
#include "support/process.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <sys/types.h>
#include <system_error>
#include <vector>

namespace maze::test {

/// A worker node that a `run` started, and what its log has told so far.
struct watched_worker {
  pid_t pid;
  std::filesystem::path log;
  std::streamoff read = 0;
  std::size_t seen = 0;

  /// How often `text` stands in the log. Reads what is new only: the watched run needs the processor.
  std::size_t count(const std::string& text) {
    std::ifstream file(log);
    file.seekg(read);
    for (std::string line; std::getline(file, line) && !file.eof(); read = file.tellg())
      seen += line.find(text) != std::string::npos ? 1 : 0;
    return seen;
  }
};

/// The worker nodes that `parent` started.
inline std::vector<watched_worker> workers_of(pid_t parent, const std::filesystem::path& state) {
  std::vector<watched_worker> out;
  std::error_code ignored;
  for (const pid_t pid : children_of(parent, "maze-node")) {
    // It may go at any moment.
    const std::string words =
        io::read_file("/proc/" + std::to_string(pid) + "/cmdline", 1 << 20).value_or("");
    for (const auto& node : std::filesystem::directory_iterator(state / "private", ignored))
      for (const auto& worker : std::filesystem::directory_iterator(node.path() / "nodes", ignored))
        if (words.find(worker.path().filename().string()) != std::string::npos)
          out.push_back({pid, worker.path() / "node.log"});
  }
  return out;
}

/// Sends `signal` to the first of the two workers of `run` that enters `phase` as often as `wanted`;
/// nothing where the run ends first.
inline std::optional<watched_worker> disturb(process& run, const std::filesystem::path& state,
                                             const std::string& phase, std::size_t wanted,
                                             int signal) {
  std::vector<watched_worker> workers;
  while (!run.ends_within(std::chrono::milliseconds(1))) {
    if (workers.size() < 2)
      workers = workers_of(run.pid(), state);
    for (watched_worker& each : workers)
      if (each.count("[" + phase + "] begins") >= wanted && ::kill(each.pid, signal) == 0)
        return each;
  }
  return {};
}

} // namespace maze::test
