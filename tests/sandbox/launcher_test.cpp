#include "maze/sandbox/launcher.hpp"

#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <future>
#include <set>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace maze;
using namespace maze::sandbox;
using namespace std::chrono_literals;
using core::sandbox_level;
using test::launcher_fixture;
using test::shell;

TEST_CASE_METHOD(launcher_fixture, "a command's output and exit code come back",
                 "[sandbox][launcher]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const auto report = run(shell("echo out; echo err >&2; exit 3", level));
  INFO(report.failure.message);
  CHECK(report.cause == exit_cause::exited);
  CHECK(report.exit_code == 3);
  CHECK(report.signal == 0);
  CHECK(report.standard_output.text == "out\n");
  CHECK(report.standard_output.total == 4);
  CHECK(report.standard_error.text == "err\n");
  CHECK(report.isolation.requested == level);
  CHECK(report.wall > 0ns);
  CHECK(report.memory_peak > 0);
  CHECK(report.isolation.has(core::fence::processes)
        == (level == sandbox_level::subprocess && sut->can().pid_namespaces));
}

TEST_CASE_METHOD(launcher_fixture, "the signal that ended a command is told",
                 "[sandbox][launcher]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const auto report = run(shell("kill -SEGV $$", level));
  CHECK(report.cause == exit_cause::signalled);
  CHECK(report.signal == SIGSEGV);
  CHECK(report.exit_code == -1);
}

TEST_CASE_METHOD(launcher_fixture, "a child sees exactly the environment of its request",
                 "[sandbox][launcher]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  ::setenv("MAZE_TEST_SECRET", "of the node", 1);
  launch_request request = shell("", level);
  request.argv = {"/usr/bin/env"};
  request.environment = {"A=1", "EMPTY=", "B=two words\nand lines"};
  CHECK(run(request).standard_output.text == "A=1\nEMPTY=\nB=two words\nand lines\n");
}

TEST_CASE_METHOD(launcher_fixture, "a child leads a group of its own in maze-init's session",
                 "[sandbox][launcher]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  // After the name in brackets: state, parent, group, session, terminal.
  const auto told = [&] {
    auto report = run(shell("read -r line </proc/self/stat; set -- ${line##*) };"
                            " [ $3 = $$ ] && echo \"session $4 terminal $5\"",
                            level));
    return report.standard_output.text;
  };
  const auto first = told();
  CHECK_THAT(first,
             Catch::Matchers::StartsWith("session ") && Catch::Matchers::EndsWith(" terminal 0\n"));
  CHECK(told() == first);
}

TEST_CASE_METHOD(launcher_fixture, "no descriptor of the node reaches a child",
                 "[sandbox][launcher]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const int leaky = ::open("/dev/null", O_RDONLY);
  REQUIRE(::dup2(leaky, 77) == 77);
  // A second maze-init is born while the leaky descriptors are open.
  launcher_fixture late;
  for (auto* node : {static_cast<launcher_fixture*>(this), &late})
    // 3 is the listing itself.
    CHECK(node->run(shell("exec ls /proc/self/fd", level)).standard_output.text == "0\n1\n2\n3\n");
  ::close(77);
  ::close(leaky);
}

TEST_CASE_METHOD(launcher_fixture, "a child starts with a clean slate", "[sandbox][launcher]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const auto text = run(shell("cat; umask; nice; cat /proc/self/oom_score_adj; pwd;"
                              "grep -E 'Sig(Blk|Ign)' /proc/self/status",
                              level))
                        .standard_output.text;
  // Priorities are never better than the node's own, which here is the test itself.
  const int nice = std::min(19, ::getpriority(PRIO_PROCESS, 0) + 5);
  const int oom_score = std::max(500, std::stoi(test::content_of("/proc/self/oom_score_adj")));
  CHECK(
      text
      == fmt::format("0022\n{}\n{}\n/\nSigBlk:\t{:016}\nSigIgn:\t{:016}\n", nice, oom_score, 0, 0));
}

TEST_CASE_METHOD(launcher_fixture, "a program that cannot run is named with the reason",
                 "[sandbox][launcher]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const auto failure_of = [&](const std::string& program) {
    auto request = shell("", level);
    request.argv = {program};
    const auto report = run(request);
    CHECK(report.cause == exit_cause::setup_failed);
    CHECK(report.failure.origin == "launch:exec");
    CHECK(report.failure.code == core::errc::invalid_payload);
    CHECK(report.failure.message.find("'" + program + "'") != std::string::npos);
    return report.failure.message;
  };
  CHECK(failure_of("/no/such/program").find("errno 2") != std::string::npos);
  CHECK(failure_of("no-such-program").find("PATH") != std::string::npos);
  CHECK(failure_of("/etc/passwd").find("errno 13") != std::string::npos);
}

TEST_CASE_METHOD(launcher_fixture, "a bare program name is looked up in the request's PATH",
                 "[sandbox][launcher]") {
  auto request = shell("");
  request.argv = {"true"};
  CHECK(run(request).exit_code == 0);
  request.environment = {"PATH=/nowhere:/bin"};
  CHECK(run(request).exit_code == 0);
  request.environment = {};
  CHECK(run(request).cause == exit_cause::setup_failed);
}

TEST_CASE_METHOD(launcher_fixture, "a folder that is missing fails the start and not the command",
                 "[sandbox][launcher]") {
  auto request = shell("true");
  request.working_directory = "/no/such/folder";
  const auto report = run(request);
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.origin == "launch:working_directory");
}

TEST_CASE_METHOD(launcher_fixture, "a level that this build does not offer is refused",
                 "[sandbox][launcher]") {
  const auto report = run(shell("true", sandbox_level::container));
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.code == core::errc::unsupported_operation);
}

TEST_CASE_METHOD(launcher_fixture, "two megabytes of arguments arrive", "[sandbox][launcher]") {
  auto request = shell("echo $#; printf %s \"${15}\" | wc -c");
  request.argv.emplace_back("name");
  for (int i = 0; i < 15; ++i)
    request.argv.emplace_back(std::size_t{120} << 10, 'x');
  CHECK(run(request).standard_output.text == "15\n122880\n");
}

TEST_CASE_METHOD(launcher_fixture, "more output than a report keeps is logged with head and tail",
                 "[sandbox][launcher]") {
  auto request = shell("head -c 50000000 /dev/zero | tr '\\0' x; echo END");
  const std::filesystem::path log = "/tmp/maze-test-log-" + std::to_string(::getpid());
  request.standard_output = {.report_max = 100, .log_max = 1000, .log_file = log};
  const auto kept = run(request).standard_output;
  CHECK(kept.text == std::string(100, 'x'));
  CHECK(kept.total == 50000004);
  CHECK(kept.logged);
  CHECK(kept.cut);
  CHECK(kept.log_error.empty());
  const auto text = test::content_of(log);
  CHECK(text
        == std::string(500, 'x') + "\n[maze: 49999004 of 50000004 bytes cut out here]\n"
               + std::string(496, 'x') + "END\n");
  std::filesystem::remove(log);
}

TEST_CASE_METHOD(launcher_fixture, "two hundred children at once all come back",
                 "[sandbox][launcher]") {
  std::vector<std::shared_ptr<std::optional<exit_report>>> places;
  for (int i = 0; i < 200; ++i)
    places.push_back(launch(shell("echo " + std::to_string(i))));
  for (std::size_t i = 0; i < places.size(); ++i) {
    wait_until([&] { return places[i]->has_value(); });
    CHECK((*places[i])->standard_output.text == std::to_string(i) + "\n");
  }
}

TEST_CASE_METHOD(launcher_fixture, "a thousand launches leave nothing behind",
                 "[sandbox][launcher]") {
  const auto open_files = [](const std::string& pid) {
    const std::filesystem::directory_iterator all("/proc/" + pid + "/fd");
    return std::distance(begin(all), end(all));
  };
  const auto mounts = test::content_of("/proc/self/mountinfo");
  for (int i = 0; i < 5; ++i)
    run(shell("true"));
  const int guardian = test::children_of(::getpid()).back();
  const auto server = std::to_string(test::children_of(guardian).at(0));
  const auto own = open_files("self"), theirs = open_files(server);
  const auto processes = test::children_of(std::stoi(server)).size();
  auto request = shell("");
  request.argv = {"/bin/true"};
  for (int i = 0; i < 1000; ++i)
    REQUIRE(run(request).exit_code == 0);
  CHECK(open_files("self") == own);
  CHECK(open_files(server) == theirs);
  CHECK(test::children_of(std::stoi(server)).size() == processes);
  CHECK(test::content_of("/proc/self/mountinfo") == mounts);
}

TEST_CASE_METHOD(launcher_fixture, "a request that makes no sense never reaches maze-init",
                 "[sandbox][launcher]") {
  auto request = shell("true");
  request.argv.clear();
  const auto report = run(request);
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.code == core::errc::invalid_argument);
}

TEST_CASE_METHOD(test::launcher_fixture,
                 "a child finds what it inherits from 3 on, and nothing else",
                 "[sandbox][launcher]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const io::unique_fd output(ends[0]);
  io::unique_fd text(::memfd_create("text", MFD_CLOEXEC));
  REQUIRE(::write(text.get(), "hello", 5) == 5);
  REQUIRE(::lseek(text.get(), 0, SEEK_SET) == 0);
  auto level = GENERATE(core::sandbox_level::none, core::sandbox_level::subprocess);
  auto request = test::shell("cat <&3 >&4; ls /proc/self/fd | tr '\\n' ' '", level);
  request.inherited.push_back(std::make_shared<const io::unique_fd>(std::move(text)));
  request.inherited.push_back(std::make_shared<const io::unique_fd>(ends[1]));
  const auto report = run(std::move(request));
  CHECK(report.exit_code == 0);
  // The last is the folder that ls reads.
  CHECK(report.standard_output.text == "0 1 2 3 4 5 ");
  std::array<char, 16> got{};
  CHECK(::read(output.get(), got.data(), got.size()) == 5);
  // Nobody holds the other end any more.
  CHECK(::read(output.get(), got.data(), got.size()) == 0);
}

TEST_CASE("a launcher whose maze-init is missing says where it looked", "[sandbox][launcher]") {
  boost::asio::io_context context;
  const auto sut = launcher::start(context, {.executable = "/no/such/maze-init"});
  REQUIRE(!sut);
  CHECK(sut.error().message.find("/no/such/maze-init") != std::string::npos);
}

TEST_CASE_METHOD(launcher_fixture, "several threads start and stop children of one launcher",
                 "[sandbox][launcher]") {
  constexpr int thread_count = 4;
  constexpr int rounds = 8;
  // Without a lock: completions run on the thread of the context, which is this one.
  int exited = 0;
  int stopped = 0;
  int other = 0;
  const auto start = [&] {
    for (int i = 0; i < rounds; ++i) {
      sut->launch(shell("echo out; exit 7"), [&](const exit_report& report) {
        ++(report.exit_code == 7 && report.standard_output.text == "out\n" ? exited : other);
      });
      const auto id = sut->launch(shell("exec sleep 60"), [&](const exit_report& report) {
        ++(report.cause == exit_cause::stopped ? stopped : other);
      });
      sut->stop(id, 0ms);
    }
  };
  std::vector<std::future<void>> threads;
  for (int i = 0; i < thread_count; ++i)
    threads.push_back(std::async(std::launch::async, start));
  wait_until([&] { return exited + stopped + other == 2 * thread_count * rounds; });
  CHECK(exited == thread_count * rounds);
  CHECK(stopped == thread_count * rounds);
}
