// Children in containers that stay, under a launcher, with podman.
#include "maze/actors/container_pool.hpp"

#include "maze/io/memory_file.hpp"
#include "support/container_service_fixture.hpp"
#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using sandbox::exit_cause;

namespace {

struct pool_fixture : test::container_service_fixture {
  test::scratch_dir outer;

  pool_fixture() { std::filesystem::permissions(outer.path(), std::filesystem::perms(0755)); }

  /// As a task of the run `tenant`.
  [[nodiscard]] sandbox::launch_request shared(std::string text,
                                               std::string tenant = "a run") const {
    auto out = script(std::move(text));
    out.sandbox.reuse = true;
    out.tenant = std::move(tenant);
    return out;
  }
  /// A folder for one task, its user's own.
  [[nodiscard]] std::filesystem::path folder(const std::string& name,
                                             const sandbox::child_user& user) const {
    auto out = outer / name;
    std::filesystem::create_directory(out);
    REQUIRE(::chown(out.c_str(), user.uid, user.gid) == 0);
    return out;
  }
  std::string answer_of(sandbox::launch_request request) {
    const auto report = end_of(std::move(request));
    INFO(report.standard_error.text << report.failure.message << report.failure.evidence);
    CHECK(report.cause == exit_cause::exited);
    CHECK(report.exit_code == 0);
    return report.standard_output.text;
  }
  /// The name of the machine is that of the container.
  std::string container_of(sandbox::launch_request request) {
    request.argv = {"/bin/sh", "-c", "uname -n"};
    return answer_of(std::move(request));
  }
};

} // namespace

TEST_CASE_METHOD(pool_fixture, "a child in a container that stays is as one in its own",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  auto request = shared("echo \"$A\"; id -u; id -g; id -G; cat /etc/maze-image; echo e >&2; pwd; "
                        "echo mine > mine; exit 9");
  request.working_directory = folder("1", *request.user);
  const auto report = end_of(std::move(request));
  INFO(report.failure.message << report.failure.evidence);
  INFO(report.standard_error.text);
  CHECK(report.cause == exit_cause::exited);
  CHECK(report.exit_code == 9);
  CHECK(report.standard_output.text
        == "from the task\n60001\n60002\n60002\nan image of the tests\n" + (outer / "1").native()
               + "\n");
  CHECK(report.standard_error.text == "e\n");
  CHECK(report.isolation.level() == core::sandbox_level::container);
  CHECK(report.isolation.has(core::fence::own_user));
  CHECK(report.cpu_user.count() > 0);
  CHECK(report.memory_peak > 0);
  CHECK(std::filesystem::exists(outer / "1" / "mine"));
}

TEST_CASE_METHOD(pool_fixture,
                 "children of one run share a container and find nothing of each other",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  auto first = shared("echo a > /tmp/left; echo a > /dev/shm/left; echo a > left; "
                      "(trap '' TERM; setsid sleep 1000) & uname -n");
  first.working_directory = folder("1", *first.user);
  auto second =
      shared("ls -d /tmp/left /dev/shm/left left ../1 2>/dev/null; ls -A . ..; ls /proc | grep "
             "'^[0-9]' | sort -n | head -n 1; ls /proc | grep -c '^[0-9]'; id -u; uname -n");
  second.user = sandbox::child_user{60011, 60012};
  second.working_directory = folder("2", *second.user);
  const auto name = answer_of(std::move(first));
  // One is the first process, and there are a shell, ls and grep.
  CHECK(answer_of(std::move(second)) == ".:\n\n..:\n2\n1\n4\n60011\n" + name);
  const auto bare = container_of(shared(""));
  CHECK(container_of(shared("")) == bare);
  CHECK(container_of(shared("", "another run")) != bare);
  auto larger = shared("");
  larger.sandbox.memory = core::byte_count{std::uint64_t{64} << 20};
  CHECK(container_of(std::move(larger)) != bare);
  // What binds one process is the child's own.
  auto fewer = shared("");
  fewer.sandbox.open_files = 50;
  CHECK(container_of(std::move(fewer)) == bare);
}

TEST_CASE_METHOD(pool_fixture,
                 "what a child is shown below /tmp is there although its /tmp is its own",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  for (const char* place : {"/tmp", "/dev/shm"}) {
    INFO(place);
    std::string folder = std::string(place) + "/maze-test-XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    std::filesystem::create_directories(folder + "/a/b");
    std::ofstream(folder + "/a/b/one") << "one\n";
    std::ofstream(folder + "/two") << "two\n";
    auto request =
        shared("cd " + folder + " && cat a/b/one two && ! echo x 2>/dev/null >two && ls");
    request.sandbox.readable = {folder + "/a", folder + "/two"};
    CHECK(answer_of(std::move(request)) == "one\ntwo\na\ntwo\n");
    std::filesystem::remove_all(folder);
  }
}

TEST_CASE_METHOD(pool_fixture, "a child of a container that stays inherits descriptors",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  auto request = shared("cat <&3; cat <&4; ls /proc/self/fd | sort -n | tail -n 1");
  for (const char* text : {"three ", "four\n"})
    request.inherited.push_back(std::make_shared<const io::unique_fd>(
        io::make_sealed_file("test", text).value().release()));
  // `ls` reads the folder through one more.
  CHECK(answer_of(std::move(request)) == "three four\n5\n");
}

TEST_CASE_METHOD(pool_fixture, "a child that is stopped costs its container nothing",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  const auto name = container_of(shared(""));
  std::optional<sandbox::exit_report> out;
  const auto id = begin(
      shared("trap 'echo gently; exit 0' TERM; echo ready; while :; do sleep 0.1; done"), out);
  sut->stop(id, std::chrono::seconds(20));
  wait_until([&out] { return out.has_value(); });
  CHECK(out->cause == exit_cause::stopped);
  CHECK_THAT(out->standard_output.text, Contains("gently"));
  CHECK(container_of(shared("")) == name);

  out.reset();
  auto stubborn = shared("trap '' TERM; echo ready; while :; do sleep 0.1; done");
  const auto marked = "MAZE_TEST_MARK=" + containers.archive().native();
  stubborn.environment.push_back(marked);
  sut->stop(begin(std::move(stubborn), out), std::chrono::milliseconds(1));
  wait_until([&out] { return out.has_value(); });
  CHECK(out->cause == exit_cause::stopped);
  // Nothing of it is left when that is told.
  CHECK(test::processes_with(marked).empty());
  CHECK(container_of(shared("")) == name);
}

TEST_CASE_METHOD(pool_fixture, "limits hold for one child after the other",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  auto spinning = shared("while :; do :; done");
  spinning.sandbox.cpu_time = std::chrono::milliseconds(300);
  const auto spun = end_of(spinning);
  CHECK(spun.cause == exit_cause::cpu_limit);
  // What others used does not count.
  spinning.argv = {"/bin/true"};
  CHECK(end_of(spinning).cause == exit_cause::exited);
  auto slow = shared("sleep 1000");
  slow.sandbox.wall_time = std::chrono::milliseconds(200);
  CHECK(end_of(slow).cause == exit_cause::wall_limit);
  auto large = shared("");
  large.sandbox.memory = core::byte_count{std::uint64_t{32} << 20};
  large.argv = {"python3", "-c", "print(len(bytearray(1 << 30)))"};
  CHECK(end_of(large).cause == exit_cause::memory_limit);
  large.argv = {"/bin/true"};
  const auto after = end_of(large);
  CHECK(after.cause == exit_cause::exited);
  CHECK(after.exit_code == 0);
}

TEST_CASE_METHOD(pool_fixture, "a container that is killed takes its child along, and no later one",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  std::optional<sandbox::exit_report> out;
  begin(shared("echo ready; sleep 1000"), out);
  REQUIRE(containers.engine({"kill", "--all"}).status == 0);
  wait_until([&out] { return out.has_value(); });
  INFO(out->failure.message);
  CHECK(out->cause == exit_cause::signalled);
  CHECK(out->signal == SIGKILL);
  CHECK(answer_of(shared("echo again")) == "again\n");
  // One that rests dies unseen.
  REQUIRE(containers.engine({"kill", "--all"}).status == 0);
  wait_until([this] { return containers.containers().empty(); });
  CHECK(answer_of(shared("echo once more")) == "once more\n");
}

TEST_CASE_METHOD(pool_fixture, "what keeps a child or its container from beginning is told",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  auto request = shared("");
  request.argv = {"/nowhere/program"};
  const auto missing = end_of(request);
  CHECK(missing.cause == exit_cause::setup_failed);
  CHECK_THAT(missing.failure.message, Contains("/nowhere/program"));
  request.argv = {"/bin/true"};
  request.sandbox.image = "localhost/maze-tests:nowhere";
  const auto image = end_of(request);
  CHECK(image.cause == exit_cause::setup_failed);
  CHECK(image.failure.origin == "launch:container");
  CHECK_THAT(image.failure.evidence, Contains("nowhere"));
  CHECK(answer_of(shared("echo fine")) == "fine\n");
}

TEST_CASE_METHOD(pool_fixture, "no container stays for a run that is over",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  CHECK(answer_of(shared("echo one", "one")) == "one\n");
  const auto name = container_of(shared("", "two"));
  service->dismiss("one");
  wait_until([this] {
    const auto names = containers.containers();
    return std::count(names.begin(), names.end(), '\n') == 1;
  });
  CHECK(container_of(shared("", "two")) == name);
}

TEST_CASE_METHOD(pool_fixture, "no container stays for longer than its time, or than its node",
                 "[actors][container][pool]") {
  MAZE_NEEDS(containers.lacks());
  service = make_service(test::podman().value(), {.idle_max = std::chrono::milliseconds(1)});
  CHECK(answer_of(shared("echo fine")) == "fine\n");
  wait_until([this] { return containers.containers().empty(); });
  service = make_service(test::podman().value(), {.idle_count_max = 1});
  CHECK(answer_of(shared("echo one", "one")) == "one\n");
  CHECK(answer_of(shared("echo two", "two")) == "two\n");
  wait_until([this] {
    const auto names = containers.containers();
    return std::count(names.begin(), names.end(), '\n') == 1;
  });
  service.reset();
  CHECK(containers.containers().empty());
}
