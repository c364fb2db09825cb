// Nodes in groups of version 2 that hand nothing on.
#include "maze/sandbox/cgroup_places.hpp"
#include "support/in_child.hpp"
#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

using namespace maze;
using namespace maze::sandbox;
using test::launcher_fixture;
namespace fs = std::filesystem;

namespace {

constexpr uid_t group_owner = 60336;

/// A group of version 2 that was given to an ordinary user with all that it needs, as systemd's `Delegate=yes` does it.
class delegated_group {
public:
  /// Why there can be none.
  static std::optional<std::string> missing() {
    if (const auto no_root = test::needs_root())
      return no_root;
    // As root, a node has controllers handed on where that was not done.
    launcher_fixture{};
    return parent().empty() ? std::optional<std::string>("needs control groups of version 2")
                            : std::nullopt;
  }
  delegated_group() {
    REQUIRE(fs::create_directory(path));
    for (const char* file : {"", "cgroup.procs", "cgroup.subtree_control"})
      REQUIRE(::chown((path / file).c_str(), group_owner, group_owner) == 0);
  }
  delegated_group(const delegated_group&) = delete;
  delegated_group& operator=(const delegated_group&) = delete;
  ~delegated_group() {
    // Who was in it may need a moment to be gone.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::error_code failed;
    while (!fs::remove(path, failed) && failed && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
  }
  [[nodiscard]] std::vector<fs::path> folders() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.is_directory())
        out.push_back(entry.path());
    return out;
  }

  const fs::path path = parent() / ("test-home-" + std::to_string(::getpid()));

private:
  static fs::path parent() {
    for (const auto& place : find_cgroup_places(test::content_of("/proc/self/cgroup"),
                                                test::content_of("/proc/self/mountinfo")))
      for (const std::string& folder : place.folders)
        if (place.unified
            && test::content_of(folder + "/cgroup.subtree_control").find("memory")
                   != std::string::npos)
          return folder;
    return {};
  }
};

void enter(const fs::path& group) { test::write(group / "cgroup.procs", "0"); }

void become(uid_t user) {
  if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0)
    throw std::runtime_error("cannot become another user");
}

exit_report run_with_memory(launcher_fixture& node, const std::string& script) {
  auto request = test::shell(script);
  request.sandbox.memory = core::byte_count{std::uint64_t{40} << 20};
  return node.run(request);
}

/// Whoever cleans up may outlive a node by a moment.
bool as_it_was(const delegated_group& group) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!group.folders().empty() && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  return group.folders().empty()
         && test::content_of(group.path / "cgroup.subtree_control").find("memory")
                == std::string::npos;
}

/// A process that this one did not start, as far as can be seen.
class stranger {
public:
  stranger() {
    const std::unique_ptr<FILE, int (*)(FILE*)> shell(
        ::popen("sleep 600 > /dev/null 2>&1 & echo $!", "r"), &::pclose);
    REQUIRE(std::fscanf(shell.get(), "%d", &pid) == 1);
  }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;
  ~stranger() { ::kill(pid, SIGKILL); }

  int pid = 0;
};

const std::string too_much = "head -c 90M /dev/zero | tail -c 90M > /dev/null";

} // namespace

TEST_CASE(
    "a user's node that was given its group limits whole trees, and leaves the group as it was",
    "[sandbox][cgroup_home]") {
  MAZE_NEEDS(delegated_group::missing());
  const delegated_group group;
  for (const char* round : {"first", "second"}) {
    INFO(round);
    CHECK(test::in_child([&] {
            enter(group.path);
            become(group_owner);
            launcher_fixture node;
            if (!node.sut->can().memory_groups || !node.sut->can().process_groups)
              return 1;
            if (run_with_memory(node, too_much).cause != exit_cause::memory_limit)
              return 2;
            return run_with_memory(node, "exit 0").cause == exit_cause::exited ? 0 : 3;
          })
          == 0);
    CHECK(as_it_was(group));
  }
}

TEST_CASE("nodes that one node started share its group, and the last one leaves it as it was",
          "[sandbox][cgroup_home]") {
  MAZE_NEEDS(delegated_group::missing());
  const delegated_group group;
  CHECK(test::in_child([&] {
          enter(group.path);
          become(group_owner);
          launcher_fixture first;
          // What one process starts twice stands for a node and those that it starts.
          launcher_fixture second;
          for (launcher_fixture* const each : {&first, &second})
            if (!each->sut->can().memory_groups
                || run_with_memory(*each, too_much).cause != exit_cause::memory_limit)
              return 1;
          const auto home = group.path / "maze-nodes";
          return fs::is_directory(home) && !fs::exists(home / "maze-nodes") ? 0 : 2;
        })
        == 0);
  CHECK(as_it_was(group));
}

TEST_CASE("a node leaves a group alone in which others are", "[sandbox][cgroup_home]") {
  MAZE_NEEDS(delegated_group::missing());
  const delegated_group group;
  const stranger other;
  test::write(group.path / "cgroup.procs", std::to_string(other.pid));
  CHECK(test::in_child([&] {
          enter(group.path);
          become(group_owner);
          const launcher_fixture node;
          return node.sut->can().memory_groups || !group.folders().empty() ? 1 : 0;
        })
        == 0);
}
