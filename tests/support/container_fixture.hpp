#pragma once

#include "maze/sandbox/container_engine.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

namespace maze::test {

/// The podman of this machine: tests have images and containers of their own with it.
inline core::result<sandbox::container_engine> podman() {
  auto look = sandbox::engine_search::of_this_machine();
  look.answers = [](const auto&) { return false; };
  return sandbox::find_engine(look);
}

/// Makes `archive`, of a root with a shell, coreutils and Python from this machine's own files. `root` is gone afterwards.
inline process_result make_base_image(const std::filesystem::path& root,
                                      const std::filesystem::path& archive) {
  static constexpr const char* script = R"sh(
    root=$1; mkdir -p "$root"/{usr/bin,usr/lib64,usr/lib/x86_64-linux-gnu,tmp,proc,sys,dev,run,etc}
    for name in bin lib lib64; do ln -s "usr/$name" "$root/$name"; done
    programs=(bash cat ls sleep id env head tail dd mkdir rm touch chmod stat uname grep sort seq setsid true)
    for name in "${programs[@]}"; do cp "$(type -P "$name")" "$root/usr/bin/"; done
    cp /usr/bin/python3.11 "$root/usr/bin/"
    ln -s bash "$root/usr/bin/sh"; ln -s python3.11 "$root/usr/bin/python3"
    mkdir "$root/usr/lib/python3.11"
    tar -C /usr/lib/python3.11 --exclude=test --exclude=dist-packages --exclude=__pycache__ \
      --exclude=config-* --exclude=idlelib --exclude=tkinter --exclude=lib2to3 -c . \
      | tar -C "$root/usr/lib/python3.11" -x
    ldd "$root"/usr/bin/* "$3" "$root"/usr/lib/python3.11/lib-dynload/*.so 2>/dev/null \
      | grep -o '/lib[^ ]* (0x' | cut -d' ' -f1 | sort -u | while read -r library; do cp -L --parents "$library" "$root/"; done
    echo 'root:x:0:0::/:/bin/sh' > "$root/etc/passwd"
    echo 'an image of the tests' > "$root/etc/maze-image"
    tar -C "$root" -cf "$2" .; rm -r "$root")sh";
  return run({.argv = {"/bin/bash", "-ec", script, "bash", root.native(), archive.native(),
                       MAZE_BIN_DIR "/maze-attack"}});
}

/// Where podman keeps what a test makes, and an image with a shell, coreutils and Python, made of this machine's own files.
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
    const auto made = make_base_image(dir_ / "root", archive());
    if (made.status != 0)
      throw std::runtime_error("the image: " + made.standard_error);
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
  }

  scratch_dir dir_;
  std::optional<std::string> lacks_;
};

} // namespace maze::test
