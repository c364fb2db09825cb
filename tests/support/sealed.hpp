#pragma once

#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace maze::test {

/// The user of sealed children where the tests are root.
constexpr std::uint32_t sealed_uid = 60321;

/// A launcher, and a taskspace for children of level seccomp. Where the tests are root, they get a user of their own.
class sealed_fixture : public launcher_fixture {
public:
  sealed_fixture() {
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0711));
    std::filesystem::create_directory(taskspace);
    if (::geteuid() == 0 && ::chown(taskspace.c_str(), sealed_uid, sealed_uid) != 0)
      throw std::runtime_error("chown of the taskspace");
  }

  [[nodiscard]] sandbox::launch_request sealed(std::vector<std::string> argv) const {
    sandbox::launch_request request;
    request.argv = std::move(argv);
    request.environment = {"PATH=/usr/bin:/bin", "HOME=" + taskspace.native(), "LC_ALL=C.UTF-8"};
    request.working_directory = taskspace;
    request.sandbox.level = core::sandbox_level::seccomp;
    if (::geteuid() == 0)
      request.user = sandbox::child_user{sealed_uid, sealed_uid};
    return request;
  }
  [[nodiscard]] sandbox::launch_request script(std::string text) const {
    return sealed({"/bin/bash", "-c", std::move(text)});
  }
  /// What a script prints; its status must be 0.
  std::string output_of(sandbox::launch_request request) {
    const auto report = run(std::move(request));
    INFO(report.failure.message);
    INFO(report.standard_error.text);
    CHECK(report.cause == sandbox::exit_cause::exited);
    CHECK(report.exit_code == 0);
    return report.standard_output.text;
  }
  std::string output_of(std::string text) { return output_of(script(std::move(text))); }

  /// What `maze-attack` says of each attempt.
  std::map<std::string, std::string> attacks(sandbox::launch_request request) {
    request.sandbox.readable.push_back(MAZE_BIN_DIR "/maze-attack");
    request.argv.insert(request.argv.begin(), MAZE_BIN_DIR "/maze-attack");
    std::istringstream lines(output_of(std::move(request)));
    std::map<std::string, std::string> out;
    for (std::string name, how; lines >> name >> how;)
      out[name] = how;
    return out;
  }

  scratch_dir dir;
  std::filesystem::path taskspace = dir / "taskspace";
};

/// A local socket without a file, which everybody in the same network namespace can reach.
class abstract_listener {
public:
  explicit abstract_listener(std::string_view name) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), at.sun_path + 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), size) != 0
        || ::listen(fd_.get(), 1) != 0)
      throw std::runtime_error("abstract socket");
  }

private:
  io::unique_fd fd_;
};

/// Runs `body` in a forked child with the node and the taskspace of an ordinary user; whether it returned true there.
inline bool sealed_as_ordinary_user(const std::function<bool(sealed_fixture&)>& body) {
  const scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0777));
  return as_ordinary_user(60333, [&] {
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    sealed_fixture node;
    return body(node);
  });
}

/// The lines of this process' mount table, which a leaked mount would be in. Those of container engines come and go: other tests
/// have containers.
inline std::set<std::string> mounts() {
  std::istringstream lines(content_of("/proc/self/mountinfo"));
  std::set<std::string> out;
  for (std::string line; std::getline(lines, line);)
    if (line.find("-containers/") == std::string::npos
        && line.find("/containers/storage") == std::string::npos)
      out.insert(line);
  return out;
}

inline std::size_t entries_of(const std::filesystem::path& folder) {
  std::size_t out = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(folder))
    ++out;
  return out;
}

/// The process that serves the launcher which was started last: the guardian's child.
inline int serving_process() {
  int out = -1;
  for (const int guardian : children_of(::getpid()))
    for (const int server : children_of(guardian))
      out = server;
  return out;
}

/// For MAZE_NEEDS.
inline std::optional<std::string> needs_sealed(const sandbox::launcher& with) {
  if (with.can().sealed)
    return std::nullopt;
  return "needs level seccomp: " + with.can().sealed_failure.message;
}

} // namespace maze::test
