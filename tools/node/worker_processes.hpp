#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"
#include "maze/io/log.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace maze::node {

/// Worker nodes as children of this process. They end when it does, however it does: each reads its
/// standard input, whose other end is here. One that ends by itself is started again.
class worker_processes {
public:
  /// From the start of a worker to the next start at least.
  static constexpr std::chrono::seconds restart_pause{1};

  /// When none of them has lived longer than ten pauses so often in a row, they are hopeless.
  static constexpr std::uint32_t restarts_max = 5;

  /// How one of them is called.
  struct call {
    std::vector<std::string> arguments;
    /// Variables on top of this process's own.
    std::map<std::string, std::string, std::less<>> environment;
  };

  /// Runs this program once for each of `calls`. `on_hopeless`, called at most once and from
  /// another thread, learns how the last one ended. `log` must outlive it.
  static core::result<std::unique_ptr<worker_processes>>
  start(std::vector<call> calls, io::log& log,
        std::function<void(const std::string& why)> on_hopeless);
  worker_processes(const worker_processes&) = delete;
  worker_processes& operator=(const worker_processes&) = delete;
  /// Kills those that still live, and waits for all.
  ~worker_processes();

  /// Tells them to end; none is started again.
  void begin_end();
  /// Whether all came to their end before `patience` was over.
  [[nodiscard]] bool ends_within(std::chrono::milliseconds patience);

private:
  struct child {
    call how;
    pid_t pid = -1;
    io::unique_fd process;
    io::unique_fd input;
    std::chrono::steady_clock::time_point started{};
    /// How often in a row it ended soon after its start.
    std::uint32_t failures = 0;
  };

  worker_processes(io::log& log, std::function<void(const std::string& why)> on_hopeless)
      : log_(log), on_hopeless_(std::move(on_hopeless)) {}
  static core::result<void> spawn(child& one);
  void supervise();
  void start_again(child& one);
  void reap(child& one);

  io::log& log_;
  std::function<void(const std::string& why)> on_hopeless_;
  std::vector<child> children_;
  io::unique_fd stop_;
  std::thread supervisor_;
};

} // namespace maze::node
