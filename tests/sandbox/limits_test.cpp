// Limits and confinement that maze-init enforces, seen from inside the child.
#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"

#include <csignal>

using namespace maze;
using namespace maze::sandbox;
using namespace std::chrono_literals;
using core::sandbox_level;
using test::launcher_fixture;
using test::shell;

TEST_CASE_METHOD(launcher_fixture, "a child that outlives its wall limit is killed for it",
                 "[sandbox][limits]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  auto request = shell("trap '' TERM; sleep 60 & wait", level);
  request.sandbox.wall_time = 100ms;
  const auto report = run(request);
  CHECK(report.cause == exit_cause::wall_limit);
  CHECK(report.wall >= 100ms);
}

TEST_CASE_METHOD(launcher_fixture, "a child that uses up its CPU limit is told apart",
                 "[sandbox][limits]") {
  const std::string script = GENERATE("while :; do :; done", "trap '' XCPU; while :; do :; done");
  auto request = shell(script);
  request.sandbox.cpu_time = 1ms;
  const auto report = run(request);
  CHECK(report.cause == exit_cause::cpu_limit);
  // Without a control group the limit counts whole seconds.
  CHECK(report.cpu_user + report.cpu_system >= (sut->can().cpu_time_groups ? 1ms : 700ms));
}

TEST_CASE_METHOD(launcher_fixture, "limits that are set are the limits inside",
                 "[sandbox][limits]") {
  auto request = shell("ulimit -n; ulimit -f; ulimit -v; ulimit -c");
  request.sandbox.open_files = 64;
  request.sandbox.file_size = core::byte_count{1 << 20};
  request.sandbox.address_space = core::byte_count{256 << 20};
  CHECK(run(request).standard_output.text == "64\n2048\n262144\n0\n");
}

TEST_CASE_METHOD(launcher_fixture, "a file larger than the limit ends the writer",
                 "[sandbox][limits]") {
  auto request = shell("exec head -c 10000 /dev/zero >/tmp/maze-test-large-$$");
  request.sandbox.file_size = core::byte_count{4096};
  const auto report = run(request);
  CHECK(report.cause == exit_cause::signalled);
  CHECK(report.signal == SIGXFSZ);
  for (const auto& entry : std::filesystem::directory_iterator("/tmp"))
    if (entry.path().filename().native().rfind("maze-test-large-", 0) == 0)
      std::filesystem::remove(entry.path());
}

TEST_CASE_METHOD(launcher_fixture,
                 "without a control group a process limit binds a user and is refused for root",
                 "[sandbox][limits]") {
  MAZE_NEEDS(test::needs_root());
  MAZE_NEEDS(sut->can().process_groups ? std::optional<std::string>("needs no control groups")
                                       : std::nullopt);
  auto request = shell("ulimit -p 2>/dev/null || grep processes /proc/self/limits");
  request.sandbox.processes = 7;
  const auto refused = run(request);
  CHECK(refused.cause == exit_cause::setup_failed);
  CHECK(refused.failure.code == core::errc::unsupported_operation);
  request.user = child_user{60321, 60321};
  CHECK(run(request).standard_output.text.find('7') != std::string::npos);
}

TEST_CASE_METHOD(launcher_fixture, "a confined child has no capability and can regain none",
                 "[sandbox][limits]") {
  const auto text = run(shell("grep -E 'NoNewPrivs|Cap(Eff|Prm|Inh|Amb)' /proc/self/status"))
                        .standard_output.text;
  CHECK(text
        == "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
           "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
}

TEST_CASE_METHOD(launcher_fixture, "a child with a user of its own is that user and nobody else",
                 "[sandbox][limits]") {
  MAZE_NEEDS(test::needs_root());
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  auto request = shell("grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status", level);
  request.user = child_user{60321, 60322};
  CHECK(run(request).standard_output.text
        == "Uid:\t60321\t60321\t60321\t60321\nGid:\t60322\t60322\t60322\t60322\nGroups:\t \n"
           "CapEff:\t0000000000000000\n");
}

TEST_CASE_METHOD(launcher_fixture, "a child sees its own processes only and is not their first",
                 "[sandbox][limits]") {
  MAZE_NEEDS(sut->can().pid_namespaces ? std::optional<std::string>{}
                                       : std::optional<std::string>{"needs pid namespaces"});
  // Only the first process and the shell are there: the shell itself counts.
  CHECK(run(shell("test $$ -gt 1 && set -- /proc/[0-9]* && echo $#")).standard_output.text
        == "2\n");
}

TEST_CASE("an ordinary user's node confines its children as well", "[sandbox][limits]") {
  CHECK(test::as_ordinary_user(60333, [] {
    launcher_fixture node;
    auto report = node.run(shell("id -u; grep CapEff /proc/self/status"));
    auto refused = shell("true");
    refused.user = child_user{60334, 60334};
    return report.standard_output.text
               == std::to_string(::geteuid()) + "\nCapEff:\t0000000000000000\n"
           && node.run(refused).failure.code == core::errc::permission_denied;
  }));
}
