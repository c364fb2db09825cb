// Limits of a whole tree: control groups, and what stands in for them.
#include "maze/sandbox/cgroup_places.hpp"
#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"

#include <array>
#include <csignal>
#include <thread>

using namespace maze;
using namespace maze::sandbox;
using namespace std::chrono_literals;
using core::fence;
using core::sandbox_level;
using test::launcher_fixture;
using test::shell;

namespace {

constexpr std::uint64_t mib = 1 << 20;

/// A script that holds so many MiB in one process.
std::string hold(int amount) {
  const auto bytes = std::to_string(amount) + "M";
  return "head -c " + bytes + " /dev/zero | tail -c " + bytes + " > /dev/null";
}

launch_request with_memory(const std::string& script, std::uint64_t limit) {
  auto request = shell(script);
  request.sandbox.memory = core::byte_count{limit};
  return request;
}

/// Folders of control groups that the maze-init with this guardian made.
std::vector<std::string> groups_of(int guardian) {
  const auto prefix = "maze-" + std::to_string(guardian) + "-";
  std::vector<std::string> out;
  for (const auto& place : find_cgroup_places(test::content_of("/proc/self/cgroup"),
                                              test::content_of("/proc/self/mountinfo")))
    for (const std::string& folder : place.folders) {
      // Those of others come and go meanwhile.
      std::error_code gone;
      for (std::filesystem::directory_iterator at(folder, gone), end; !gone && at != end;
           at.increment(gone))
        if (at->path().filename().native().starts_with(prefix))
          out.push_back(at->path().native());
    }
  return out;
}

std::optional<std::string> needs(bool there, const char* what) {
  return there ? std::nullopt : std::optional<std::string>(std::string("needs ") + what);
}

} // namespace

TEST_CASE_METHOD(launcher_fixture, "processes that are too large together are ended for that",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups, "control groups for memory"));
  // Each alone would be within the limit.
  const auto report =
      run(with_memory(hold(60) + " & " + hold(60) + " & wait %1 && wait %2", 80 * mib));
  CHECK(report.cause == exit_cause::memory_limit);
  CHECK(report.isolation.has(fence::memory));
  CHECK_FALSE(report.isolation.has(fence::memory_watch));
}

TEST_CASE_METHOD(launcher_fixture, "a main process that ends well does not hide who had too much",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups, "control groups for memory"));
  const auto report = run(with_memory("(" + hold(200) + "); exit 0", 60 * mib));
  CHECK(report.cause == exit_cause::memory_limit);
}

TEST_CASE_METHOD(launcher_fixture, "files in memory are memory", "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups, "control groups for memory"));
  const auto file = "/dev/shm/maze-test-" + std::to_string(::getpid());
  const auto report = run(with_memory("head -c 200M /dev/zero > " + file, 60 * mib));
  CHECK(report.cause == exit_cause::memory_limit);
  std::filesystem::remove(file);
}

TEST_CASE_METHOD(launcher_fixture, "a tree within its memory ends as it does, with its peak",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups, "control groups for memory"));
  const auto first = run(with_memory(hold(50) + "; exit 3", 200 * mib));
  CHECK(first.cause == exit_cause::exited);
  CHECK(first.exit_code == 3);
  CHECK(first.memory_peak >= 50 * mib);
  CHECK(first.memory_peak <= 200 * mib);
  // The next one in the same group begins anew.
  const auto second = run(with_memory("true", 200 * mib));
  CHECK(second.memory_peak < 30 * mib);
}

TEST_CASE_METHOD(launcher_fixture, "no child has the limits of one before it",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups && sut->can().process_groups,
                   "control groups for memory and processes"));
  auto both = with_memory("true", 40 * mib);
  both.sandbox.processes = 3;
  CHECK(run(both).cause == exit_cause::exited);
  CHECK(run(with_memory(hold(60), 200 * mib)).cause == exit_cause::exited);
  CHECK(run(with_memory(hold(60), 40 * mib)).cause == exit_cause::memory_limit);
  const auto many = run(with_memory("for i in 1 2 3 4 5 6; do sleep 0 & done; wait", 200 * mib));
  CHECK(many.cause == exit_cause::exited);
  CHECK(many.exit_code == 0);
}

TEST_CASE_METHOD(launcher_fixture, "what a child left in memory is not the next one's",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups, "control groups for memory"));
  const auto file = "/dev/shm/maze-test-left-" + std::to_string(::getpid());
  CHECK(run(with_memory("head -c 60M /dev/zero > " + file, 100 * mib)).exit_code == 0);
  const auto next = run(with_memory("true", 40 * mib));
  INFO(next.failure.message);
  CHECK(next.cause == exit_cause::exited);
  CHECK(run(with_memory(hold(60), 100 * mib)).cause == exit_cause::exited);
  std::filesystem::remove(file);
}

TEST_CASE_METHOD(launcher_fixture, "limits of every kind hold together", "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups && sut->can().process_groups
                       && sut->can().cpu_time_groups && sut->can().cpu_share_groups,
                   "control groups of every kind"));
  const auto with_all = [](const std::string& script) {
    auto request = with_memory(script, 24 * mib);
    request.sandbox.processes = 8;
    request.sandbox.cpu_time = 10min;
    request.sandbox.cpu_share = 200;
    return request;
  };
  CHECK(run(with_all(hold(40))).cause == exit_cause::memory_limit);
  const auto many = run(with_all("for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait"));
  CHECK(many.exit_code != 0);
  CHECK(many.refused_processes > 0);
  auto busy = with_all("while :; do :; done & while :; do :; done");
  busy.sandbox.cpu_time = 400ms;
  CHECK(run(busy).cause == exit_cause::cpu_limit);
}

TEST_CASE_METHOD(launcher_fixture,
                 "a child that had no limit of memory leaves none of its own to the next",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups && sut->can().process_groups,
                   "control groups for memory and processes"));
  const auto file = "/dev/shm/maze-test-before-" + std::to_string(::getpid());
  auto large = shell(hold(80) + "; head -c 60M /dev/zero > " + file);
  large.sandbox.processes = 20;
  CHECK(run(large).exit_code == 0);
  const auto small = run(with_memory("true", 40 * mib));
  CHECK(small.cause == exit_cause::exited);
  CHECK(small.memory_peak < 30 * mib);
  std::filesystem::remove(file);
}

TEST_CASE_METHOD(launcher_fixture, "a child cannot move out of its groups", "[sandbox][groups]") {
  MAZE_NEEDS(test::needs_root());
  MAZE_NEEDS(needs(sut->can().memory_groups && sut->can().pid_namespaces,
                   "control groups for memory, and pid namespaces"));
  // As root, whose groups they are.
  auto request = with_memory("for f in $(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs); do "
                             "echo $$ > $f && echo left $f; done 2>&1 | grep left; true",
                             40 * mib);
  CHECK(run(request).standard_output.text.empty());
}

TEST_CASE("nodes that make their groups at the same time leave each other's alone",
          "[sandbox][groups]") {
  MAZE_NEEDS(needs(launcher_fixture().sut->can().memory_groups, "control groups for memory"));
  std::array<std::string, 24> wrong;
  for (std::size_t round = 0; round < wrong.size(); round += 8) {
    std::vector<std::thread> nodes;
    for (std::size_t i = round; i < round + 8; ++i)
      nodes.emplace_back([&wrong, i] {
        const auto report = launcher_fixture().run(with_memory("true", 40 * mib));
        if (report.cause != exit_cause::exited)
          wrong[i] = report.failure.message;
      });
    for (auto& each : nodes)
      each.join();
  }
  CHECK(wrong == std::array<std::string, 24>{});
}

TEST_CASE("folders of groups that nobody removed go with the next ones that are made",
          "[sandbox][groups]") {
  MAZE_NEEDS(needs(launcher_fixture().sut->can().memory_groups, "control groups for memory"));
  int guardian = -1;
  {
    launcher_fixture node;
    guardian = test::children_of(::getpid()).at(0);
    CHECK(node.run(with_memory("true", 40 * mib)).cause == exit_cause::exited);
    for (const int server : test::children_of(guardian))
      for (const int victim : {guardian, server})
        ::kill(victim, SIGKILL);
    // A new one takes its place, and finds what it left.
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!groups_of(guardian).empty() && std::chrono::steady_clock::now() < end)
      node.run(with_memory("true", 40 * mib));
    CHECK(groups_of(guardian).empty());
  }
}

TEST_CASE_METHOD(launcher_fixture, "the first group is made also after a child that was killed",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().memory_groups, "control groups for memory"));
  auto slow = shell("sleep 60");
  slow.sandbox.wall_time = 50ms;
  CHECK(run(slow).cause == exit_cause::wall_limit);
  CHECK(run(with_memory("true", 40 * mib)).cause == exit_cause::exited);
}

TEST_CASE_METHOD(launcher_fixture, "processes of a tree are counted together, those of root too",
                 "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().process_groups, "control groups for processes"));
  auto request = shell("for i in 1 2 3 4 5 6 7 8; do (sleep 60 & sleep 60) & done; wait");
  request.sandbox.processes = 5;
  request.sandbox.wall_time = 20s;
  const auto report = run(request);
  CHECK(report.cause == exit_cause::exited);
  CHECK(report.exit_code != 0);
  CHECK(report.refused_processes > 0);
  CHECK(report.isolation.has(fence::process_count));
}

TEST_CASE_METHOD(launcher_fixture, "CPU time is that of the whole tree", "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().cpu_time_groups, "control groups for CPU time"));
  // No process of it comes near the limit, which counts whole seconds for each.
  auto request = shell("for i in 1 2 3 4; do (while :; do :; done) & done; wait");
  request.sandbox.cpu_time = 400ms;
  request.sandbox.wall_time = 60s;
  const auto report = run(request);
  CHECK(report.cause == exit_cause::cpu_limit);
  CHECK(report.isolation.has(fence::cpu_time));
}

TEST_CASE_METHOD(launcher_fixture, "a share of cores is set for the tree", "[sandbox][groups]") {
  MAZE_NEEDS(needs(sut->can().cpu_share_groups, "control groups for shares of cores"));
  auto request = shell("sed -n 's/^[0-9]*:cpu[a-z,]*:/cpu /p; s/^0::/all /p' /proc/self/cgroup");
  request.sandbox.cpu_share = 150;
  const auto report = run(request);
  CHECK(report.isolation.has(fence::cpu_share));
  CHECK(report.standard_output.text.find("/maze-") != std::string::npos);
  request = shell("cat /sys/fs/cgroup/cpu*$(sed -n 's/^[0-9]*:cpu[a-z,]*://p' /proc/self/cgroup "
                  "| grep maze)/cpu.cfs_quota_us "
                  "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cpu.max 2>/dev/null");
  request.sandbox.cpu_share = 150;
  CHECK(run(request).standard_output.text.find("150000") != std::string::npos);
}

TEST_CASE("groups go with the maze-init that made them", "[sandbox][groups]") {
  MAZE_NEEDS(needs(launcher_fixture().sut->can().memory_groups, "control groups for memory"));
  int guardian = -1;
  {
    launcher_fixture node;
    guardian = test::children_of(::getpid()).at(0);
    CHECK(groups_of(guardian).empty());
    CHECK(node.run(with_memory("true", 40 * mib)).cause == exit_cause::exited);
    CHECK(groups_of(guardian).size() == 1);
    if (GENERATE(false, true)) {
      // The process that serves dies; the one above it cleans up.
      const auto lost = node.launch(with_memory("sleep 60", 40 * mib));
      for (const int server : test::children_of(guardian))
        ::kill(server, SIGKILL);
      node.wait_until([&] { return lost->has_value(); });
      CHECK((*lost)->cause == exit_cause::lost);
    }
  }
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!groups_of(guardian).empty() && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  CHECK(groups_of(guardian).empty());
}

TEST_CASE("where no group can be had, memory is looked at, and shares are refused",
          "[sandbox][groups]") {
  CHECK(test::as_ordinary_user(60335, [] {
    launcher_fixture node;
    if (node.sut->can().memory_groups)
      return true;
    auto request = with_memory("x=$(head -c 100M /dev/zero | tr '\\0' a); sleep 60", 60 * mib);
    request.sandbox.wall_time = 50s;
    const auto large = node.run(std::move(request));
    const auto small = node.run(with_memory("true", 60 * mib));
    auto share = shell("true");
    share.sandbox.cpu_share = 50;
    const auto refused = node.run(std::move(share));
    return large.cause == exit_cause::memory_limit && large.isolation.has(fence::memory_watch)
           && !large.isolation.has(fence::memory) && small.cause == exit_cause::exited
           && refused.cause == exit_cause::setup_failed
           && refused.failure.code == core::errc::unsupported_operation
           && refused.failure.message.find("cpu_share") != std::string::npos;
  }));
}
