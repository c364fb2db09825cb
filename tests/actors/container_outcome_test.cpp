#include "maze/actors/container_outcome.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <csignal>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using sandbox::exit_cause;

namespace {

sandbox::exit_report told(const std::optional<sandbox::enter::report>& said, exit_cause cause,
                          int status = 0, const char* printed = "first\nno such image\n") {
  sandbox::exit_report out;
  out.cause = cause;
  out.exit_code = status;
  out.standard_error.text = printed;
  out.isolation = {.requested = core::sandbox_level::container, .began = true};
  tell_end(said, "/nowhere", "podman", out);
  return out;
}

} // namespace

TEST_CASE("the end of a child in a container is its own, not that of its engine",
          "[actors][container]") {
  const auto plain = told(sandbox::enter::report{.began = true,
                                                 .ended = true,
                                                 .step = "",
                                                 .exit_code = 3,
                                                 .cpu_time = 5,
                                                 .memory_peak = 6,
                                                 .refused_processes = 7},
                          exit_cause::exited, 3);
  CHECK(plain.cause == exit_cause::exited);
  CHECK(plain.exit_code == 3);
  CHECK(plain.cpu_user.count() == 5);
  CHECK(plain.memory_peak == 6);
  CHECK(plain.refused_processes == 7);
  const sandbox::enter::report killed{
      .began = true, .ended = true, .step = "", .exit_code = -1, .signal = SIGKILL};
  CHECK(told(killed, exit_cause::exited, 137).cause == exit_cause::signalled);
  CHECK(told(killed, exit_cause::exited, 137).signal == SIGKILL);
  auto limited = killed;
  limited.cpu_passed = true;
  CHECK(told(limited, exit_cause::exited, 137).cause == exit_cause::cpu_limit);
  limited.memory_kills = 1;
  CHECK(told(limited, exit_cause::exited, 137).cause == exit_cause::memory_limit);
  CHECK(told(killed, exit_cause::wall_limit).cause == exit_cause::wall_limit);
  CHECK(told(std::nullopt, exit_cause::stopped).cause == exit_cause::stopped);
}

TEST_CASE("a container that was killed from outside is no engine's failure",
          "[actors][container]") {
  const sandbox::enter::report begun{.began = true, .step = ""};
  const auto killed = told(begun, exit_cause::exited, 137);
  CHECK(killed.cause == exit_cause::signalled);
  CHECK(killed.signal == SIGKILL);
  CHECK(killed.isolation.began);
  CHECK(told(begun, exit_cause::wall_limit).cause == exit_cause::wall_limit);
}

TEST_CASE("a child that never began in its container has no fences and a reason",
          "[actors][container]") {
  const auto missing =
      told(sandbox::enter::report{.began = false, .step = "exec", .exit_code = ENOENT},
           exit_cause::exited, 126);
  CHECK(missing.cause == exit_cause::setup_failed);
  CHECK_FALSE(missing.isolation.began);
  CHECK(missing.failure.origin == "launch:exec");
  CHECK_THAT(missing.failure.message, Contains("cannot run '/nowhere'"));
  const auto folder =
      told(sandbox::enter::report{.began = false, .step = "chdir", .exit_code = EACCES},
           exit_cause::exited, 126);
  CHECK(folder.failure.origin == "launch:chdir");
  const auto refused = told(std::nullopt, exit_cause::exited, 125);
  CHECK(refused.cause == exit_cause::setup_failed);
  CHECK(refused.failure.code == core::errc::unsupported_operation);
  CHECK_THAT(refused.failure.message, Contains("podman could not run a container"));
  CHECK_THAT(refused.failure.evidence, Contains("no such image"));
}

TEST_CASE("an archive that is no image is refused by what is wrong with it, and not by the engine",
          "[actors][container]") {
  for (const char* printed : {"maze-image: the archive 'a.tar' is a text\n",
                              "noise\nmaze-image: the archive 'a.tar' is a text\nmore\n"}) {
    const auto refused = told(std::nullopt, exit_cause::exited, 125, printed);
    CHECK(refused.cause == exit_cause::setup_failed);
    CHECK(refused.failure.code == core::errc::invalid_argument);
    CHECK(refused.failure.message == "the archive 'a.tar' is a text");
    CHECK(refused.failure.origin == "launch:image");
  }
  // Only at the start of a line.
  CHECK(told(std::nullopt, exit_cause::exited, 125, "x maze-image: y\n").failure.code
        == core::errc::unsupported_operation);
}
