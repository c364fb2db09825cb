#pragma once

#include "maze/io/files.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace maze::test {

/// How a program ended and what it printed.
struct process_result {
  /// The exit status, or 128 + the signal that ended it.
  int status = -1;
  std::string standard_output;
  std::string standard_error;
};

/// A program that a test started; killed at the end of its life if it still runs.
class process {
public:
  struct options {
    std::vector<std::string> argv;
    std::filesystem::path working_directory;
    /// Set on top of the test's own environment without its `MAZE_*` variables.
    std::map<std::string, std::string> environment;
    /// Run as this user; needs root.
    std::optional<uid_t> user;
  };

  /// Throws where the program cannot be started.
  explicit process(const options& settings);
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;
  /// Whether it comes to its end before `patience` is over; `wait` tells how.
  [[nodiscard]] bool ends_within(std::chrono::milliseconds patience) const;
  /// Waits for the end; what was printed comes with it.
  process_result wait();

private:
  std::filesystem::path out_;
  std::filesystem::path err_;
  pid_t pid_ = -1;
  bool reaped_ = false;
};

/// Runs a program to its end.
process_result run(const process::options& settings);

/// The process ids whose environment holds `mark`. Processes that this user may not read are passed over.
std::vector<pid_t> processes_with(const std::string& mark);

/// The children of `parent` whose program is called `name`.
std::vector<pid_t> children_of(pid_t parent, const std::string& name);

/// Waits until `pid` is gone; false when that takes longer than ten seconds.
bool wait_until_gone(pid_t pid);

} // namespace maze::test
