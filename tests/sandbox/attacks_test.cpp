// Attacks on the machine from inside a sealed child, each with the answer that it must get.
#include "support/sealed.hpp"

#include <csignal>

using namespace maze;
using namespace maze::sandbox;
using test::sealed_fixture;

TEST_CASE_METHOD(sealed_fixture, "no attack from inside gets through", "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const test::abstract_listener outside("maze-attack-target");
  const auto found = attacks(sealed({}));
  CHECK(found.size() >= 75);
  for (const auto& [name, how] : found) {
    INFO(name << ": " << how);
    CHECK(test::is_right_answer(name, how));
  }
  for (const auto& [name, how] : test::attack_answers())
    CHECK(found.count(name) == 1);
}

TEST_CASE("no attack from inside gets through where the node is not root", "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*test::launcher_fixture().sut));
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0777));
  CHECK(test::as_ordinary_user(60333, [&] {
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    sealed_fixture node;
    const auto found = node.attacks(node.sealed({}));
    bool all = found.size() >= 75;
    for (const auto& [name, how] : found)
      if (!test::is_right_answer(name, how)) {
        std::fprintf(stderr, "%s: %s\n", name.c_str(), how.c_str());
        all = false;
      }
    return all;
  }));
}

TEST_CASE_METHOD(sealed_fixture, "the filter alone is a wall also where a network is allowed",
                 "[sandbox][attacks]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = sealed({});
  request.sandbox.network = true;
  auto found = attacks(std::move(request));
  for (const char* name : {"inet", "inet_udp", "netlink"})
    CHECK(found[name] == "done");
  for (const char* name : {"packet", "alg", "vsock", "bpf", "mount", "ptrace", "unshare_user"})
    CHECK(found[name] == "EPERM");
}

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
  CHECK(report.signal == SIGSYS);
}
#endif
