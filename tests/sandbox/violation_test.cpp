// `violation: kill`: a system call that is not allowed ends its attempt, which names the call.
#include "support/eventually.hpp"
#include "support/sealed.hpp"
#include "support/throw_away.hpp"

#include <csignal>
#include <sys/syscall.h>

using namespace maze;
using namespace maze::sandbox;
using test::sealed_fixture;

namespace {

/// A child whose sandbox ends it for a call that is not allowed.
launch_request strict(launch_request request) {
  request.sandbox.kill_on_violation = true;
  return request;
}

struct strict_fixture : sealed_fixture {
  exit_report ended(launch_request request) { return run(strict(std::move(request))); }
  exit_report ended(std::string text) { return ended(script(std::move(text))); }
};

std::size_t descriptors() {
  return test::entries_of("/proc/" + std::to_string(test::serving_process()) + "/fd");
}

/// What a Python program does that makes a call by its number, and says what came of it.
std::vector<std::string> calls(int number) {
  return {"/usr/bin/python3", "-c",
          "import ctypes\n"
          "print('before', flush=True)\n"
          "ctypes.CDLL(None).syscall("
              + std::to_string(number)
              + ", 0, 0, 0, 0, 0, 0)\n"
                "print('after', flush=True)\n"};
}

} // namespace

TEST_CASE_METHOD(strict_fixture, "a call that is not allowed ends its attempt, which names it",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto report = ended(sealed({"/usr/bin/unshare", "--user", "true"}));
  CHECK(report.cause == exit_cause::forbidden_call);
  CHECK(report.syscall == "unshare");
  CHECK(report.program == "unshare");
  CHECK(report.signal == SIGKILL);
  CHECK(report.isolation.has(core::fence::syscalls));
  // Unless it says so the same call fails, and its program goes on.
  CHECK(output_of("unshare --user true || echo refused") == "refused\n");
}

TEST_CASE_METHOD(strict_fixture, "the call is not made, and nothing after it",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto report = ended(sealed(calls(SYS_unshare)));
  CHECK(report.cause == exit_cause::forbidden_call);
  CHECK(report.standard_output.text == "before\n");
}

TEST_CASE_METHOD(strict_fixture, "whichever process or thread of the tree makes it",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  SECTION("a grandchild in another session") {
    const auto report = ended("setsid sh -c 'unshare --user true; echo on' & wait; echo on");
    CHECK(report.cause == exit_cause::forbidden_call);
    CHECK(report.syscall == "unshare");
    CHECK(report.standard_output.text.empty());
  }
  SECTION("a thread") {
    const auto report =
        ended(sealed({"/usr/bin/python3", "-c",
                      "import socket, threading\n"
                      "t = threading.Thread(target=lambda: socket.socket(socket.AF_INET))\n"
                      "t.start(); t.join(); print('on', flush=True)\n"}));
    CHECK(report.cause == exit_cause::forbidden_call);
    CHECK(report.syscall == "socket");
    CHECK(report.standard_output.text.empty());
  }
  SECTION("many at once") {
    const auto report = ended("for i in $(seq 20); do unshare --user true & done; wait; echo on");
    CHECK(report.cause == exit_cause::forbidden_call);
    CHECK(report.standard_output.text.empty());
  }
}

TEST_CASE_METHOD(strict_fixture,
                 "a program that a signal takes out of the call does not outlive it",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  // One call each, at whose moment the signal comes is for the machine to say.
  for (int i = 0; i < 30; ++i) {
    const auto report = ended(
        sealed({"/usr/bin/python3", "-c",
                "import ctypes, signal, time\n"
                "libc = ctypes.CDLL(None)\n"
                "signal.signal(signal.SIGALRM, lambda *_: None)\n"
                "signal.setitimer(signal.ITIMER_REAL, "
                    + std::to_string(5 + i) + "e-6)\nlibc.unshare(0x10000000)\ntime.sleep(30)\n"}));
    REQUIRE(report.cause == exit_cause::forbidden_call);
    REQUIRE((report.syscall == "unshare" || report.syscall.empty()));
  }
}

TEST_CASE_METHOD(strict_fixture, "a call as programs of another architecture make it ends all",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
#ifndef __x86_64__
  MAZE_NEEDS(std::optional<std::string>("needs a processor with calls of another architecture"));
#endif
  // Where those of x32 begin; of a process that is not the main one.
  auto argv = calls(0x40000000 + SYS_getpid);
  argv[2] = "import os\nif os.fork() == 0:\n  pass\nelse:\n  os.wait(); print('on')\n  "
            "os._exit(0)\n"
            + argv[2];
  const auto report = ended(sealed(std::move(argv)));
  CHECK(report.cause == exit_cause::forbidden_call);
  CHECK(report.foreign_syscall);
  CHECK(report.syscall.empty());
  CHECK(report.standard_output.text == "before\n");
}

TEST_CASE_METHOD(strict_fixture, "a child that nobody could hear any more is ended",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto place = launch(strict(script("sleep 60")));
  const auto witness = [] {
    for (const int each : test::children_of(test::serving_process())) {
      std::error_code gone;
      const auto first =
          std::filesystem::read_symlink("/proc/" + std::to_string(each) + "/fd/0", gone);
      if (!gone && first.native().starts_with("anon_inode:"))
        return each;
    }
    return -1;
  };
  REQUIRE(test::eventually([&] {
    context.poll();
    context.restart();
    return witness() > 0;
  }));
  REQUIRE(::kill(witness(), SIGKILL) == 0);
  wait_until([&] { return place->has_value(); });
  CHECK((*place)->cause == exit_cause::lost);
  CHECK((*place)->failure.code == core::errc::worker_crash);
}

TEST_CASE_METHOD(strict_fixture, "a neighbour hears nothing of another one's end",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  std::vector<std::shared_ptr<std::optional<exit_report>>> fine, bad;
  for (int i = 0; i < 10; ++i) {
    fine.push_back(launch(strict(script("for i in 1 2 3 4 5; do sleep 0.02; done; echo done"))));
    bad.push_back(launch(strict(script("unshare --user true; echo on"))));
  }
  wait_until([&] {
    const auto over = [](const auto& each) { return each->has_value(); };
    return std::all_of(fine.begin(), fine.end(), over) && std::all_of(bad.begin(), bad.end(), over);
  });
  for (const auto& each : fine)
    CHECK((*each)->standard_output.text == "done\n");
  for (const auto& each : bad)
    CHECK((*each)->cause == exit_cause::forbidden_call);
}

TEST_CASE_METHOD(strict_fixture, "what a program calls itself is told as it is",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto report =
      ended("cp /usr/bin/unshare $'a b\\n\\x1b[31m'; ./$'a b\\n\\x1b[31m' --user true");
  CHECK(report.cause == exit_cause::forbidden_call);
  CHECK(report.program == "a b\n\x1b[31m");
}

TEST_CASE_METHOD(strict_fixture, "ordinary programs do what they do elsewhere",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto text = output_of(strict(script(
      "echo a b | tr a-z A-Z | tee out.txt; sort out.txt | grep -c A; tar cf x.tar out.txt && tar "
      "tf x.tar; python3 -c 'import json; print(json.dumps([1]))'; perl -e 'print 6*7, \"\\n\"'; "
      "sh -c 'exit 3'; echo $?")));
  CHECK(text == "A B\n1\nout.txt\n[1]\n42\n3\n");
  // It is free to ask for more.
  auto request = strict(script("unshare --user true; echo on"));
  request.sandbox.syscalls = {"unshare"};
  CHECK(output_of(std::move(request)) == "on\n");
}

TEST_CASE_METHOD(strict_fixture, "other ends of a child are told as ever", "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  CHECK(ended("exit 7").exit_code == 7);
  CHECK(ended("kill -SEGV $$").signal == SIGSEGV);
  auto slow = strict(script("sleep 60"));
  slow.sandbox.wall_time = std::chrono::milliseconds(200);
  CHECK(run(std::move(slow)).cause == exit_cause::wall_limit);
  launch_id id = 0;
  const auto place = launch(strict(script("sleep 60")), &id);
  sut->stop(id, std::chrono::milliseconds(0));
  wait_until([&] { return place->has_value(); });
  CHECK((*place)->cause == exit_cause::stopped);
  const auto missing = ended(sealed({"no-such-program"}));
  CHECK(missing.cause == exit_cause::setup_failed);
  CHECK(missing.failure.origin == "launch:exec");
}

TEST_CASE_METHOD(strict_fixture, "a child with few descriptors has its listener all the same",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = script("ulimit -n; ls /proc/self/fd | xargs; unshare --user true; echo on");
  request.sandbox.open_files = 5;
  const auto report = ended(std::move(request));
  CHECK(report.cause == exit_cause::forbidden_call);
  // Of the listener and its way out the child has nothing.
  CHECK(report.standard_output.text == "5\n0 1 2 3\n");
}

TEST_CASE_METHOD(strict_fixture, "descriptors that a child inherits keep their numbers",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = strict(script("cat <&3; cat <&18; unshare --user true"));
  for (std::size_t i = 0; i < inherited_max; ++i) {
    const auto path = dir / ("in" + std::to_string(i));
    test::write(path, std::to_string(i) + "\n");
    request.inherited.push_back(
        std::make_shared<const io::unique_fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  }
  const auto report = run(std::move(request));
  CHECK(report.cause == exit_cause::forbidden_call);
  CHECK(report.standard_output.text == "0\n15\n");
}

TEST_CASE_METHOD(strict_fixture, "nothing is left of children that ended so",
                 "[sandbox][violation]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  constexpr std::string_view mark = "MAZE_TEST_MARK=violation-leftovers";
  std::size_t before = 0;
  for (int i = 0; i < 60; ++i) {
    auto request =
        strict(script(i % 3 == 0 ? "exit 0" : "setsid sleep 60 & unshare --user true; sleep 60"));
    request.environment.emplace_back(mark);
    const auto report = run(std::move(request));
    REQUIRE(report.cause == (i % 3 == 0 ? exit_cause::exited : exit_cause::forbidden_call));
    if (i == 10)
      before = descriptors();
  }
  CHECK(test::processes_with(std::string(mark)).empty());
  // Slots that lie ready have some of their own.
  CHECK(descriptors() <= before + 8);
}

TEST_CASE("a call ends its attempt the same for an ordinary user", "[sandbox][violation]") {
  CHECK(test::sealed_as_ordinary_user([](sealed_fixture& node) {
    if (test::needs_sealed(*node.sut))
      return true;
    const auto report = node.run(strict(node.script("unshare --user true; echo on")));
    return report.cause == exit_cause::forbidden_call && report.syscall == "unshare"
           && report.program == "unshare" && report.standard_output.text.empty()
           && node.run(strict(node.script("exit 3"))).exit_code == 3;
  }));
}

TEST_CASE("without namespaces a call that is not allowed ends its attempt, too",
          "[sandbox][violation][walled]") {
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0777));
  const auto text = test::told_by_child([&]() -> std::string {
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    constexpr std::uint32_t user = 60333;
    if (::geteuid() == 0
        && (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0))
      throw std::runtime_error("another user");
    test::forbid_namespaces();
    strict_fixture node;
    if (const auto missing = test::needs_sealed(*node.sut))
      return "untried: " + *missing;
    // What only the lack of namespaces refuses fails as it does there.
    const auto own = node.ended("chmod 600 . 2>/dev/null; echo $?; setsid sh -c 'unshare --user "
                                "true; echo on' & wait; echo on");
    const auto fine = node.ended("echo fine");
    return own.syscall + " " + own.program + " " + own.standard_output.text + own.failure.message
           + fine.standard_output.text;
  });
  MAZE_NEEDS(text.starts_with("untried: ") ? std::optional(text) : std::nullopt);
  CHECK(text == "unshare unshare 1\nfine\n");
}
