#include "maze/actors/attempt_outcome.hpp"

#include "support/builders.hpp"

#include <catch2/catch.hpp>

#include <csignal>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using sandbox::exit_cause;
using sandbox::exit_report;

namespace {

sandbox::exit_report exited(int code, std::string text = {}, std::string errors = {}) {
  sandbox::exit_report out;
  out.cause = exit_cause::exited;
  out.exit_code = code;
  out.standard_output = {.text = text, .total = text.size()};
  out.standard_error = {.text = errors, .total = errors.size()};
  return out;
}

/// The fields of the command's one output.
core::dict fields(const core::result<std::string>& outcome) {
  REQUIRE(outcome);
  const core::value output = core::decode(*outcome).value();
  REQUIRE(output.as<core::dict>());
  CHECK(output.as<core::dict>()->size() == 1);
  return *output.as<core::dict>()->at("run").as<core::dict>();
}

} // namespace

TEST_CASE("a command that ends well gives its status and both streams", "[actors][outcome]") {
  const auto out = fields(command_outcome(test::shell("t"), exited(0, "hello\n", "warned\n")));
  CHECK(out.at("exit_code") == core::value(0));
  CHECK(out.at("stdout") == core::value("hello\n"));
  CHECK(out.at("stderr") == core::value("warned\n"));
}

TEST_CASE("a status counts as success only where the task lists it", "[actors][outcome]") {
  auto spec = test::shell("t");
  spec.ok_exit = {0, 3};
  CHECK(fields(command_outcome(spec, exited(3))).at("exit_code") == core::value(3));
  const auto failed = command_outcome(spec, exited(4, "", "it broke\n"));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == core::errc::exit_nonzero);
  CHECK(failed.error().exit_code == 4);
  CHECK(failed.error().origin == "execute");
  CHECK(failed.error().evidence == "it broke\n");
}

TEST_CASE("output that is no text becomes bytes", "[actors][outcome]") {
  const auto out = fields(command_outcome(test::shell("t"), exited(0, "\xff\x01")));
  CHECK(out.at("stdout") == core::value(core::bytes{std::byte{0xff}, std::byte{1}}));
}

TEST_CASE("a character that the capture limit cut in two does not turn text into bytes",
          "[actors][outcome]") {
  auto report = exited(0, "abc\xe2\x82");
  SECTION("cut there") {
    report.standard_output.total = 100;
    CHECK(fields(command_outcome(test::shell("t"), report)).at("stdout") == core::value("abc"));
  }
  SECTION("written so by the command") {
    CHECK(fields(command_outcome(test::shell("t"), report)).at("stdout").is<core::bytes>());
  }
}

TEST_CASE("each way to end badly has its own code and sentence", "[actors][outcome]") {
  auto spec = test::shell("t");
  spec.sandbox.wall_time = std::chrono::seconds(90);
  spec.sandbox.cpu_time = std::chrono::seconds(5);
  auto report = exited(0);
  const auto [cause, code, word] = GENERATE(table<exit_cause, core::errc, const char*>({
      {exit_cause::signalled, core::errc::signalled, "signal 11"},
      {exit_cause::wall_limit, core::errc::timeout_wall, "timeout"},
      {exit_cause::cpu_limit, core::errc::timeout_cpu, "CPU"},
      {exit_cause::stopped, core::errc::cancelled, "stopped"},
  }));
  report.cause = cause;
  report.signal = cause == exit_cause::signalled ? 11 : 0;
  const auto failed = command_outcome(spec, report);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == code);
  CHECK(failed.error().message.find(word) != std::string::npos);
  CHECK(failed.error().exit_code == -1);
  CHECK(failed.error().signal == report.signal);
}

TEST_CASE("a forbidden call that ended a child is named, with who made it", "[actors][outcome]") {
  auto report = exited(-1);
  report.cause = exit_cause::forbidden_call;
  report.signal = SIGKILL;
  report.syscall = "socket";
  report.program = "curl";
  report.isolation.add(core::fence::syscalls);
  report.isolation.add(core::fence::network);
  const auto told = [&report] {
    const auto failed = command_outcome(test::shell("t"), report);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == core::errc::sandbox_violation);
    return failed.error().message;
  };
  CHECK_THAT(told(), Contains("its process 'curl' made the system call `socket` with arguments")
                         && Contains("`violation: kill`") && Contains("`syscalls: [socket]` would")
                         && Contains("without network"));
  report.syscall = "unshare";
  CHECK_THAT(told(), Contains("the system call `unshare`, which its `sandbox` does not allow"));
  report.program = "\xff";
  CHECK_THAT(told(), Contains("its process '?'"));
  report.program.clear();
  CHECK_THAT(told(), Contains("a process of it made the system call"));
  report.syscall.clear();
  CHECK_THAT(told(), Contains("made a system call, which") && !Contains("`syscalls:"));
  report.foreign_syscall = true;
  CHECK_THAT(told(), Contains("made a system call of another architecture, which"));
}

TEST_CASE("a command whose file is too large hears of the limit that bounds it",
          "[actors][outcome]") {
  auto task = test::shell("t");
  const auto message = [&task](const exit_report& report) {
    return command_outcome(task, report).error().message;
  };
  auto killed = exited(0);
  killed.cause = exit_cause::signalled;
  killed.signal = SIGXFSZ;
  // A shell that ran the program tells it by its status.
  const auto status = exited(128 + SIGXFSZ);
  CHECK_THAT(message(killed), !Contains("`sandbox`"));
  CHECK_THAT(message(status), !Contains("`sandbox`"));
  task.sandbox.disk = core::byte_count{2'000'000};
  CHECK_THAT(message(killed),
             Contains("signal 25") && Contains("limit of 2MB: `sandbox` has `disk`"));
  task.sandbox.file_size = core::byte_count{1'000'000};
  for (const auto& report : {killed, status})
    CHECK_THAT(message(report), Contains("limit of 1MB: `sandbox` has `file_size`"));
  CHECK_THAT(message(exited(1)), !Contains("file_size"));
}

TEST_CASE("a sealed command that fails comes with a word about its fence", "[actors][outcome]") {
  auto report = exited(6);
  const auto message = [&report] {
    return command_outcome(test::shell("t"), report).error().message;
  };
  CHECK(message() == "the command ended with exit status 6");
  report.isolation.add(core::fence::syscalls);
  CHECK(message()
        == "the command ended with exit status 6; it ran at level seccomp: the task's `sandbox` "
           "opens "
           "what it needs");
  report.isolation.add(core::fence::network);
  CHECK(message().find("without network") != std::string::npos);
  report.isolation.add(core::fence::container);
  CHECK(message().find("at level container, without network") != std::string::npos);
}

TEST_CASE("limits of a tree that were hit are told with their names", "[actors][outcome]") {
  auto report = exited(2);
  report.refused_processes = 3;
  CHECK(
      command_outcome(test::shell("t"), report).error().message
      == "the command ended with exit status 2; a process or thread of it could not begin 3 times: "
         "the task's `sandbox` has a limit of `processes`");
  auto spec = test::shell("t");
  spec.sandbox.memory = core::byte_count{64 << 20};
  report.cause = exit_cause::memory_limit;
  const auto why = command_outcome(spec, report).error();
  CHECK(why.code == core::errc::oom_killed);
  CHECK(why.message
        == "the command and what it started used more memory than its limit of 64MiB: `sandbox` "
           "has `memory`");
}

TEST_CASE("the signal of a filter is a violation where there is a filter", "[actors][outcome]") {
  auto report = exited(0);
  report.cause = exit_cause::signalled;
  report.signal = SIGSYS;
  CHECK(command_outcome(test::shell("t"), report).error().code == core::errc::signalled);
  report.isolation.add(core::fence::syscalls);
  const auto violated = command_outcome(test::shell("t"), report);
  CHECK(violated.error().code == core::errc::sandbox_violation);
  CHECK(violated.error().message.find("another architecture") != std::string::npos);
}

TEST_CASE("a child that never ran tells why in the launcher's words", "[actors][outcome]") {
  sandbox::exit_report report;
  report.cause = GENERATE(exit_cause::setup_failed, exit_cause::lost);
  report.failure = {
      .code = core::errc::not_found, .message = "no such program", .origin = "launch:exec"};
  const auto failed = command_outcome(test::shell("t"), report);
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == report.failure);
}

TEST_CASE("the evidence of a failure is the end of standard error", "[actors][outcome]") {
  auto report = exited(1, "", "the beginning");
  SECTION("the tail, where the report does not hold the end") {
    report.standard_error.tail = "the very end";
    CHECK(command_outcome(test::shell("t"), report).error().evidence == "the very end");
  }
  SECTION("else the text") {
    CHECK(command_outcome(test::shell("t"), report).error().evidence == "the beginning");
  }
}

TEST_CASE("the last lines start at the start of a line and fit the limit", "[actors][outcome]") {
  CHECK(last_lines("one\ntwo\nthree\n", 100) == "one\ntwo\nthree\n");
  CHECK(last_lines("one\ntwo\nthree\n", 8) == "three\n");
  CHECK(last_lines("a line without end", 8) == "hout end");
  CHECK(last_lines("", 8).empty());
  CHECK(last_lines("bad \xff byte", 100) == "bad ? byte");
}

TEST_CASE("streams that are cut or whose log is not whole are told apart", "[actors][outcome]") {
  auto report = exited(0, "head", "all");
  CHECK(cut_streams(report, "o", "e").empty());
  report.standard_output.total = 100;
  report.standard_output.logged = true;
  report.standard_error.log_error = "open e: No space left on device";
  CHECK(cut_streams(report, "o", "e")
        == std::vector<cut_stream>{
            {.stream = "stdout", .total = 100, .kept = 4, .log = "o", .log_error = {}},
            {.stream = "stderr",
             .total = 3,
             .kept = 3,
             .log = {},
             .log_error = "open e: No space left on device"}});
}

TEST_CASE("of many outputs a task gives those that it declares, as their types say",
          "[actors][outcome]") {
  auto spec = test::shell("t");
  spec.output = {core::output_form::many, {{"stdout", "string"}, {"exit_code", "int"}}};
  const auto given = [&](const sandbox::exit_report& report) {
    const auto encoded = command_outcome(spec, report);
    REQUIRE(encoded);
    return core::decode(*encoded).value();
  };
  CHECK(given(exited(0, "hello\n", "\xff"))
        == core::value(core::dict{{"exit_code", 0}, {"stdout", "hello\n"}}));
  spec.output.keys = {{"stderr", "any"}};
  CHECK(given(exited(0, "", "x")) == core::value(core::dict{{"stderr", "x"}}));
  spec.output.keys = {{"stdout", "bytes"}};
  const core::bytes raw{std::byte{'o'}, std::byte{'k'}};
  CHECK(given(exited(0, "ok")) == core::value(core::dict{{"stdout", raw}}));
}

TEST_CASE("an output that is not of its declared type fails the attempt by its name",
          "[actors][outcome]") {
  auto spec = test::shell("t");
  spec.output = {core::output_form::many, {{"exit_code", "int"}, {"stdout", "string"}}};
  const auto failed = command_outcome(spec, exited(0, "\xff", "why\n"));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == core::errc::invalid_payload);
  CHECK(failed.error().message.find("`stdout` is declared as string, and the command gave bytes")
        != std::string::npos);
  CHECK(failed.error().evidence == "why\n");
}
