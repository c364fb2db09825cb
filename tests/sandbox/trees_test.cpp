// Nothing of an attempt survives it, however it ends. Processes are found by a mark in their
// environment, so that one that left its session, its parent and its group is found, too.
#include "maze/io/files.hpp"
#include "support/launcher_fixture.hpp"
#include "support/scratch_dir.hpp"

#include <csignal>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

using namespace maze;
using namespace maze::sandbox;
using namespace std::chrono_literals;
using core::sandbox_level;
using test::launcher_fixture;
using test::shell;

namespace {

/// A tree with a daemon that left its session and its parent. It reports through a fifo when all of
/// it is running.
struct daemon_tree {
  daemon_tree() { REQUIRE(::mkfifo(fifo().c_str(), 0666) == 0); }

  [[nodiscard]] std::string fifo() const { return (folder / "ready").native(); }
  [[nodiscard]] launch_request request(sandbox_level level, const std::string& last) const {
    auto made = shell("setsid sh -c '(trap \"\" TERM HUP; echo up >" + fifo()
                          + "; while :; do sleep 60; done) & ' & " + last,
                      level);
    made.environment.push_back(mark);
    return made;
  }
  void wait_until_up() const {
    std::ifstream in(fifo());
    std::string word;
    in >> word;
    REQUIRE(word == "up");
  }
  [[nodiscard]] std::size_t alive() const { return test::processes_with(mark).size(); }

  test::scratch_dir folder;
  std::string mark = "MAZE_TEST_MARK=" + folder.path().native();
};

/// Waits for the end of a process that is not a child of this one.
void wait_for_end(const io::unique_fd& process) {
  pollfd wanted{process.get(), POLLIN, 0};
  REQUIRE(::poll(&wanted, 1, 60000) == 1);
}

io::unique_fd pidfd_of(int pid) {
  return io::unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

int server_of(int guardian) { return test::children_of(guardian).at(0); }

} // namespace

TEST_CASE_METHOD(launcher_fixture, "a daemon is gone when its attempt's command has ended",
                 "[sandbox][trees]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const daemon_tree tree;
  const auto place = launch(tree.request(level, "read line <" + tree.fifo() + "; exit 7"));
  wait_until([&] { return place->has_value(); });
  CHECK((*place)->exit_code == 7);
  CHECK(tree.alive() == 0);
}

TEST_CASE_METHOD(launcher_fixture, "a stopped tree is gone, daemons included", "[sandbox][trees]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const auto grace = GENERATE(0ms, 60000ms);
  const daemon_tree tree;
  launch_id id = 0;
  const auto place = launch(tree.request(level, "exec sleep 60"), &id);
  tree.wait_until_up();
  CHECK(tree.alive() >= 2);
  sut->stop(id, grace);
  wait_until([&] { return place->has_value(); });
  CHECK((*place)->cause == exit_cause::stopped);
  CHECK((*place)->signal == (grace == 0ms ? SIGKILL : SIGTERM));
  CHECK(tree.alive() == 0);
}

TEST_CASE_METHOD(launcher_fixture, "a child that ignores SIGTERM is killed after the grace",
                 "[sandbox][trees]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const daemon_tree tree;
  launch_id id = 0;
  const auto place = launch(tree.request(level, "trap '' TERM; while :; do sleep 60; done"), &id);
  tree.wait_until_up();
  sut->stop(id, 50ms);
  wait_until([&] { return place->has_value(); });
  CHECK((*place)->cause == exit_cause::stopped);
  CHECK(tree.alive() == 0);
}

TEST_CASE("every tree is gone when its node is", "[sandbox][trees]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const daemon_tree tree;
  const pid_t node = ::fork();
  if (node == 0) {
    launcher_fixture doomed;
    const auto place = doomed.launch(tree.request(level, "exec sleep 60"));
    doomed.wait_until([&] { return place->has_value(); });
    ::_exit(0);
  }
  tree.wait_until_up();
  const auto guardian = pidfd_of(test::children_of(node).at(0));
  ::kill(node, SIGKILL);
  ::waitpid(node, nullptr, 0);
  wait_for_end(guardian);
  CHECK(tree.alive() == 0);
}

TEST_CASE_METHOD(launcher_fixture,
                 "every tree is gone and reported as lost when maze-init is killed",
                 "[sandbox][trees]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const bool guardian_dies = GENERATE(false, true);
  const daemon_tree tree;
  const auto place = launch(tree.request(level, "exec sleep 60"));
  tree.wait_until_up();
  // The youngest: where this process adopts orphans, a dead node's guardian is older.
  const int guardian = test::children_of(::getpid()).back();
  ::kill(guardian_dies ? guardian : server_of(guardian), SIGKILL);
  wait_until([&] { return place->has_value(); });
  CHECK((*place)->cause == exit_cause::lost);
  CHECK((*place)->failure.code == core::errc::worker_crash);
  CHECK((*place)->failure.origin == "launch:lost");
  CHECK(tree.alive() == 0);
  SECTION("and the next command runs in a new one") {
    CHECK(run(shell("echo again", level)).standard_output.text == "again\n");
  }
}

TEST_CASE("an ordinary user's trees are gone, too", "[sandbox][trees]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const daemon_tree tree;
  std::filesystem::permissions(tree.folder.path(), std::filesystem::perms::all);
  std::filesystem::permissions(tree.fifo(), std::filesystem::perms::all);
  CHECK(test::as_ordinary_user(60333, [&] {
    launcher_fixture node;
    const auto report = node.run(tree.request(level, "read line <" + tree.fifo() + "; exit 7"));
    return report.exit_code == 7;
  }));
  CHECK(tree.alive() == 0);
}
