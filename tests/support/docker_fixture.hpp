#pragma once

#include "support/eventually.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace maze::test {

/// A daemon of docker of a test's own, with images and containers that nobody else sees. It touches no network and no firewall, and leaves nothing.
class docker_fixture {
public:
  docker_fixture() {
    if (::geteuid() != 0) {
      lacks_ = "needs root for a daemon of docker";
      return;
    }
    for (const char* name : {"dockerd", "containerd"})
      if (!program(name)) {
        lacks_ = std::string("needs docker: there is no ") + name + " in PATH";
        return;
      }
    if (!client()) {
      lacks_ = "needs docker: there is no docker in /usr/bin or /usr/local/bin";
      return;
    }
    const auto path = [this](const char* name) { return (dir_ / name).string(); };
    // Not that of the machine.
    std::ofstream(path("daemon.json")) << "{}";
    daemon_ = std::make_unique<process>(process::options{
        .argv = {program("dockerd")->string(), "--iptables=false", "--ip-forward=false",
                 "--bridge=none", "--storage-driver=vfs", "--cgroup-parent=" + group(),
                 "--host=" + host(), "--data-root=" + path("data"), "--exec-root=" + path("exec"),
                 "--pidfile=" + path("pid"), "--config-file=" + path("daemon.json")},
        .working_directory = dir_.path(),
        .environment = {},
        .user = {}});
    if (eventually([this] {
          return daemon_->ends_within(std::chrono::milliseconds(0)) || docker({"ps"}).status == 0;
        })
        && docker({"ps"}).status == 0)
      return;
    daemon_->signal(SIGKILL);
    lacks_ = "needs a daemon of docker that starts: " + daemon_->wait().standard_error;
    daemon_.reset();
  }
  ~docker_fixture() {
    if (!daemon_)
      return;
    std::vector<std::string> words{"rm", "--force"};
    std::istringstream left(containers());
    for (std::string id; left >> id;)
      words.push_back(id);
    if (words.size() > 2)
      static_cast<void>(docker(std::move(words)));
    daemon_->signal(SIGTERM);
    static_cast<void>(daemon_->wait());
    for (const auto& each : std::filesystem::directory_iterator("/sys/fs/cgroup"))
      static_cast<void>(::rmdir((each.path().string() + group()).c_str()));
    static_cast<void>(::rmdir(("/sys/fs/cgroup" + group()).c_str()));
  }
  docker_fixture(const docker_fixture&) = delete;
  docker_fixture& operator=(const docker_fixture&) = delete;

  /// The one that a node finds.
  [[nodiscard]] static std::optional<std::filesystem::path> client() {
    for (const char* path : {"/usr/bin/docker", "/usr/local/bin/docker"})
      if (std::filesystem::exists(path))
        return path;
    return std::nullopt;
  }
  /// Why it cannot be tested here.
  [[nodiscard]] const std::optional<std::string>& lacks() const { return lacks_; }
  /// For the environment of a node: DOCKER_HOST.
  [[nodiscard]] std::string host() const { return "unix://" + (dir_ / "docker.sock").string(); }
  [[nodiscard]] process_result docker(std::vector<std::string> words) const {
    words.insert(words.begin(), {"/usr/bin/env", "docker"});
    return run({.argv = std::move(words),
                .working_directory = dir_.path(),
                .environment = {{"DOCKER_HOST", host()}},
                .user = {}});
  }
  /// Of all containers there are, in any state.
  [[nodiscard]] std::string containers() const {
    return docker({"ps", "--all", "--quiet"}).standard_output;
  }

private:
  static std::optional<std::filesystem::path> program(const char* name) {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');)
      if (const auto found = std::filesystem::path(folder) / name;
          ::access(found.c_str(), X_OK) == 0)
        return found;
    return std::nullopt;
  }
  [[nodiscard]] std::string group() const {
    return "/maze-tests-" + dir_.path().filename().string();
  }

  scratch_dir dir_;
  std::unique_ptr<process> daemon_;
  std::optional<std::string> lacks_;
};

} // namespace maze::test
