// Attacks that need more than an answer: see attack_table_test.cpp for those that do not.
#include "support/eventually.hpp"
#include "support/sealed.hpp"

#include <csignal>

using namespace maze;
using namespace maze::sandbox;
using test::sealed_fixture;

TEST_CASE_METHOD(sealed_fixture, "a system call that was asked for is allowed, and no other",
                 "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = sealed({});
  request.sandbox.syscalls = {"@ipc", "kcmp", "237"};
  auto found = attacks(std::move(request));
  for (const char* name : {"shmget", "semget", "msgget", "kcmp"})
    CHECK(found[name] == "done");
    // Number 237 is mbind on x86_64 alone.
#if defined(__x86_64__)
  CHECK(found["mbind"] == "EINVAL");
#endif
  for (const char* name : {"ptrace", "bpf", "keyctl"})
    CHECK(found[name] == "EPERM");
  // What one child left in its namespaces the next one does not find.
  auto look = script("tail -n +2 /proc/sysvipc/shm | wc -l");
  look.sandbox.syscalls = {"@ipc"};
  CHECK(output_of(std::move(look)) == "0\n");
  CHECK(output_of("tail -n +2 /proc/sysvipc/shm | wc -l") == "0\n");
}

TEST_CASE_METHOD(sealed_fixture, "a system call that does not exist is refused before the start",
                 "[sandbox][attacks]") {
  auto request = script("touch ran");
  request.sandbox.syscalls = {"ptrase"};
  const auto report = run(std::move(request));
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.code == core::errc::invalid_argument);
  CHECK(report.failure.message.find("ptrace") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(taskspace / "ran"));
}

#if defined(__x86_64__)
TEST_CASE_METHOD(sealed_fixture, "calls of another architecture end their process",
                 "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const std::string how = GENERATE("i386", "x32");
  auto request = sealed({MAZE_BIN_DIR "/maze-attack", how});
  request.sandbox.readable = {MAZE_BIN_DIR "/maze-attack"};
  const auto report = run(std::move(request));
  INFO(report.standard_output.text);
  CHECK(report.cause == exit_cause::signalled);
  // Where the machine's kernel has no such calls, it ends the process itself.
  const bool unknown = how == "i386" && report.signal == SIGSEGV;
  CHECK((unknown || report.signal == SIGSYS));
}
#endif

TEST_CASE_METHOD(sealed_fixture, "a child that leaves its process group ends in time all the same",
                 "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto level = GENERATE(core::sandbox_level::none, core::sandbox_level::subprocess,
                              core::sandbox_level::seccomp);
  const bool stopped = GENERATE(false, true);
  auto request = sealed({MAZE_BIN_DIR "/maze-attack", "group"});
  request.sandbox.level = level;
  if (request.sandbox.sealed())
    request.sandbox.readable = {MAZE_BIN_DIR "/maze-attack"};
  const auto mark = "MAZE_TEST_MARK=" + dir.path().native();
  request.environment.push_back(mark);
  if (!stopped)
    request.sandbox.wall_time = std::chrono::milliseconds(300);
  launch_id id = 0;
  const auto report = launch(std::move(request), &id);
  if (stopped) {
    REQUIRE(test::eventually([&] { return test::processes_with(mark).size() == 2; }));
    sut->stop(id, std::chrono::milliseconds(0));
  }
  wait_until([&] { return report->has_value(); });
  CHECK((*report)->cause == (stopped ? exit_cause::stopped : exit_cause::wall_limit));
  CHECK(test::processes_with(mark).empty());
}

TEST_CASE_METHOD(sealed_fixture, "a sibling that a child makes is not there with the next child",
                 "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const bool is_sealed = GENERATE(false, true);
  auto request = sealed({MAZE_BIN_DIR "/maze-attack", "sibling"});
  auto next = script("ls -d /proc/[0-9]* | wc -l");
  if (is_sealed) {
    request.sandbox.readable = {MAZE_BIN_DIR "/maze-attack"};
  } else {
    MAZE_NEEDS(sut->can().pid_namespaces ? std::nullopt
                                         : std::optional<std::string>("needs pid namespaces"));
    request.sandbox.level = next.sandbox.level = core::sandbox_level::subprocess;
  }
  const auto mark = "MAZE_TEST_MARK=" + dir.path().native();
  request.environment.push_back(mark);
  CHECK(output_of(std::move(request)) == (is_sealed ? "EPERM\n" : "left\n"));
  CHECK(test::processes_with(mark).empty());
  // bash, ls, wc and, where it shows, the slot's first process.
  CHECK(std::stoi(output_of(std::move(next))) <= 4);
}
