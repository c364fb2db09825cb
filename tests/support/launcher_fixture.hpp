#pragma once

#include "maze/sandbox/launcher.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace maze::test {

/// A launcher over the maze-init of this build, and a context that runs while a test waits.
class launcher_fixture {
public:
  launcher_fixture() {
    auto started = sandbox::launcher::start(context, {.executable = MAZE_BIN_DIR "/maze-init"});
    if (!started)
      throw std::runtime_error(started.error().message);
    sut = std::move(*started);
  }

  /// Runs the context until `done`; a minute without it is a failure.
  void wait_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    context.restart();
    while (!done())
      if (context.run_one_until(end) == 0)
        throw std::runtime_error("nothing happened for a minute");
  }

  /// Starts a child whose report lands in the returned place.
  std::shared_ptr<std::optional<sandbox::exit_report>> launch(sandbox::launch_request request,
                                                              sandbox::launch_id* id = nullptr) {
    auto place = std::make_shared<std::optional<sandbox::exit_report>>();
    const auto made = sut->launch(std::move(request), [place](sandbox::exit_report report) {
      if (*place)
        throw std::logic_error("completed twice");
      *place = std::move(report);
    });
    if (id != nullptr)
      *id = made;
    return place;
  }

  sandbox::exit_report run(sandbox::launch_request request) {
    const auto place = launch(std::move(request));
    wait_until([&] { return place->has_value(); });
    return **place;
  }

  boost::asio::io_context context;
  std::shared_ptr<sandbox::launcher> sut;
};

/// A request for a shell script at the given level.
inline sandbox::launch_request shell(std::string script,
                                     core::sandbox_level level = core::sandbox_level::subprocess) {
  sandbox::launch_request request;
  request.argv = {"/bin/sh", "-c", std::move(script)};
  request.environment = {"PATH=/usr/bin:/bin"};
  request.working_directory = "/";
  request.sandbox.level = level;
  return request;
}

/// Empty where there is nothing, as for what /proc said of a process that has just ended.
inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  // Unlike the buffer's own iterators this does not throw where a read fails.
  out << in.rdbuf();
  return out.str();
}

inline void write(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// Pids of all live processes of the machine whose environment contains `mark`.
inline std::vector<int> processes_with(const std::string& mark) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().native();
    if (name.find_first_not_of("0123456789") == std::string::npos
        && content_of(entry.path() / "environ").find(mark) != std::string::npos)
      found.push_back(std::stoi(name));
  }
  return found;
}

/// Direct children of `pid`.
inline std::vector<int> children_of(int pid) {
  std::vector<int> found;
  const auto number = std::to_string(pid);
  std::ifstream in("/proc/" + number + "/task/" + number + "/children");
  for (int child = 0; in >> child;)
    found.push_back(child);
  return found;
}

/// Runs `body` in a forked child as an ordinary user and tells whether it returned true there.
inline bool as_ordinary_user(std::uint32_t uid, const std::function<bool()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    bool good = false;
    try {
      good =
          (::geteuid() != 0 || (::setresgid(uid, uid, uid) == 0 && ::setresuid(uid, uid, uid) == 0))
          && body();
    } catch (const std::exception& failed) {
      std::fprintf(stderr, "%s\n", failed.what());
    }
    std::fflush(nullptr);
    ::_exit(good ? 0 : 1);
  }
  int status = 1;
  ::waitpid(pid, &status, 0);
  return status == 0;
}

/// For MAZE_NEEDS.
inline std::optional<std::string> needs_root() {
  if (::geteuid() == 0)
    return std::nullopt;
  return "needs root";
}

} // namespace maze::test
