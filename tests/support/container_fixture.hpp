#pragma once

#include "maze/sandbox/container_engine.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <unistd.h>

namespace maze::test {

/// The podman of this machine: tests have images and containers of their own with it.
inline core::result<sandbox::container_engine> podman() {
  auto look = sandbox::engine_search::of_this_machine();
  look.answers = [](const auto&) { return false; };
  return sandbox::find_engine(look);
}

/// An archive of a root with a shell, coreutils and Python, which the build made of this machine's own files.
inline constexpr const char* base_image = MAZE_BIN_DIR "/../base_image.tar";

/// Where podman keeps what a test makes, and a base image.
class container_fixture {
public:
  container_fixture() {
    const auto found = podman();
    if (!found) {
      lacks_ = "needs podman: " + found.error().message;
      return;
    }
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
    // vfs: nothing stays mounted.
    std::ofstream(configuration())
        << "[storage]\ndriver = \"vfs\"\ngraphroot = \"" << (dir_ / "images").native()
        << "\"\nrunroot = \"" << (dir_ / "run").native() << "\"\n";
    std::filesystem::copy_file(base_image, archive());
    if (!std::filesystem::exists(works()))
      try_out(*found);
  }
  ~container_fixture() {
    if (!lacks_)
      static_cast<void>(engine({"rm", "--all", "--force"}));
  }
  container_fixture(const container_fixture&) = delete;
  container_fixture& operator=(const container_fixture&) = delete;

  /// Why containers cannot be tested here: podman says so itself.
  [[nodiscard]] const std::optional<std::string>& lacks() const { return lacks_; }
  /// For the environment of a node: CONTAINERS_STORAGE_CONF.
  [[nodiscard]] std::filesystem::path configuration() const { return dir_ / "storage.conf"; }
  [[nodiscard]] std::filesystem::path archive() const { return dir_ / "base.tar"; }
  /// What podman says of its containers and images.
  [[nodiscard]] process_result engine(std::vector<std::string> words) const {
    words.insert(words.begin(), "/usr/bin/podman");
    return run({.argv = std::move(words),
                .environment = {{"CONTAINERS_STORAGE_CONF", configuration().native()}}});
  }
  /// Names of all containers there are, in any state.
  [[nodiscard]] std::string containers() const {
    return engine({"ps", "--all", "--format", "{{.Names}}"}).standard_output;
  }

private:
  /// A file that is there once podman ran a container for this user of the machine as it is booted: to try that takes longer than many a test.
  static std::filesystem::path works() {
    std::string boot;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
    return MAZE_BIN_DIR "/../podman_works-" + std::to_string(::geteuid()) + '-' + boot;
  }
  void try_out(const sandbox::container_engine& found) {
    const std::string name = "localhost/maze-tests:try";
    auto imported = engine({"import", "--quiet", archive().native(), name});
    auto words = found.options;
    words.insert(words.end(), {"run", "--rm", "--pull=never", "--network=none", "--read-only",
                               "--memory=67108864", "--cpus=1", "--pids-limit=20"});
    if (found.open_files)
      words.push_back("--ulimit=nofile=" + std::to_string(*found.open_files));
    if (found.processes)
      words.push_back("--ulimit=nproc=" + std::to_string(*found.processes));
    words.insert(words.end(), {name, "/bin/true"});
    const auto tried = imported.status == 0 ? engine(std::move(words)) : std::move(imported);
    if (tried.status != 0)
      lacks_ = "needs a podman that runs containers: " + tried.standard_error;
    else
      std::ofstream(works()).flush();
  }

  scratch_dir dir_;
  std::optional<std::string> lacks_;
};

} // namespace maze::test
