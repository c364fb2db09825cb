#include "maze/sandbox/messages.hpp"

#include "maze/sandbox/file_watch.hpp"

#include <catch2/catch.hpp>
#include <seccomp.h>

#include <cerrno>
#include <csignal>

using namespace maze;
using namespace maze::sandbox;
using namespace std::chrono_literals;

namespace {

launch_request full_request() {
  launch_request x;
  x.argv = {"prog", "", "two words"};
  x.environment = {"A=1", "B="};
  x.working_directory = "/work";
  x.after = 41;
  x.overlay = overlay_mount{{"/l1", "/l2"}, "/u", "/w", "/m"};
  x.user = child_user{7, 8};
  x.sandbox = {.level = core::sandbox_level::subprocess,
               .wall_time = 3s,
               .cpu_time = 5ns,
               .memory = core::byte_count{7 << 20},
               .cpu_share = 250,
               .address_space = core::byte_count{11},
               .file_size = core::byte_count{13},
               .open_files = 17,
               .processes = 19};
  x.nice = -3;
  x.oom_score_adj = 23;
  return x;
}

} // namespace

TEST_CASE("a request arrives as it was sent", "[sandbox][messages]") {
  const auto sent = full_request();
  auto body = encode_request(42, sent).value();
  protocol::launch_view got;
  REQUIRE(protocol::decode_launch(body.data(), body.size(), got));
  CHECK(got.id == 42);
  CHECK(got.after == 41);
  REQUIRE(got.argv.size() == 4);
  CHECK(std::string(got.argv[2]) == "two words");
  CHECK(got.argv[3] == nullptr);
  REQUIRE(got.environment.size() == 3);
  CHECK(std::string(got.environment[1]) == "B=");
  CHECK(std::string(got.working_directory) == "/work");
  REQUIRE(got.lower.size() == 2);
  CHECK(std::string(got.lower[1]) == "/l2");
  CHECK(std::string(got.mount_point) == "/m");
  CHECK(got.has_user);
  CHECK(got.uid == 7);
  CHECK(got.gid == 8);
  CHECK(got.sandbox == sent.sandbox);
  CHECK(got.nice == -3);
  CHECK(got.oom_score_adj == 23);
  CHECK_FALSE(got.watched);
  CHECK(got.own_descriptors() == 2);
}

TEST_CASE("a child that is watched comes with two descriptors more", "[sandbox][messages]") {
  auto sent = full_request();
  sent.watch = file_watch::make().value();
  auto body = encode_request(42, sent).value();
  protocol::launch_view got;
  REQUIRE(protocol::decode_launch(body.data(), body.size(), got));
  CHECK(got.watched);
  CHECK(got.own_descriptors() == 4);
  got.sandbox.level = core::sandbox_level::seccomp;
  CHECK(got.own_descriptors() == 5);
}

TEST_CASE("a request that was cut anywhere is refused", "[sandbox][messages]") {
  const auto whole = encode_request(1, full_request()).value();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    auto part = whole.substr(0, size);
    protocol::launch_view got;
    CHECK_FALSE(protocol::decode_launch(part.data(), part.size(), got));
  }
  auto longer = whole + "x";
  protocol::launch_view got;
  CHECK_FALSE(protocol::decode_launch(longer.data(), longer.size(), got));
}

TEST_CASE("a request that waits for itself is refused", "[sandbox][messages]") {
  auto body = encode_request(41, full_request()).value();
  protocol::launch_view got;
  CHECK_FALSE(protocol::decode_launch(body.data(), body.size(), got));
}

TEST_CASE("texts that a C string would shorten are refused", "[sandbox][messages]") {
  auto x = full_request();
  const std::string bad("a\0b", 3);
  const int where = GENERATE(0, 1, 2, 3);
  if (where == 0)
    x.argv.push_back(bad);
  else if (where == 1)
    x.environment.push_back(bad);
  else if (where == 2)
    x.working_directory = bad;
  else
    x.overlay->upper = "/" + bad;
  const auto outcome = encode_request(1, x);
  REQUIRE(!outcome);
  CHECK(outcome.error().code == core::errc::invalid_argument);
  CHECK(outcome.error().origin == "launch:request");
}

TEST_CASE("an end is told with status, times and cause", "[sandbox][messages]") {
  const protocol::ended sent{.id = 4,
                             .cause = protocol::end_cause::signalled,
                             .wait_status = SIGTERM,
                             .wall_ns = 10,
                             .user_ns = 20,
                             .system_ns = 30,
                             .memory_peak = 40,
                             .fences = 1U << 3};
  auto packet = protocol::encode(sent);
  protocol::reader in(packet.data() + 1, packet.size() - 1);
  protocol::ended got;
  REQUIRE(protocol::decode(in, got));
  const auto report = report_of(got, core::sandbox_level::subprocess);
  CHECK(report.cause == exit_cause::signalled);
  CHECK(report.signal == SIGTERM);
  CHECK(report.exit_code == -1);
  CHECK(report.wall == 10ns);
  CHECK(report.cpu_user == 20ns);
  CHECK(report.cpu_system == 30ns);
  CHECK(report.memory_peak == 40);
  CHECK(report.isolation.has(core::fence::processes));
  CHECK(report.isolation.began);
}

TEST_CASE("an end for a forbidden call names call and program", "[sandbox][messages]") {
  const auto read = ::seccomp_syscall_resolve_name("read");
  protocol::ended sent{.id = 4,
                       .cause = protocol::end_cause::forbidden_call,
                       .wait_status = SIGKILL,
                       .subject = "curl",
                       .syscall = read};
  const auto told = [&sent] {
    auto packet = protocol::encode(sent);
    protocol::reader in(packet.data() + 1, packet.size() - 1);
    protocol::ended got;
    REQUIRE(protocol::decode(in, got));
    return report_of(got, core::sandbox_level::seccomp);
  };
  CHECK(told().cause == exit_cause::forbidden_call);
  CHECK(told().syscall == "read");
  CHECK(told().program == "curl");
  CHECK(told().signal == SIGKILL);
  // Newer than this build.
  sent.syscall = 1900;
  CHECK(told().syscall == "1900");
  sent.syscall = protocol::unknown_call;
  CHECK(told().syscall.empty());
  CHECK_FALSE(told().foreign_syscall);
  sent.syscall = protocol::foreign_call;
  CHECK(told().syscall.empty());
  CHECK(told().foreign_syscall);
}

TEST_CASE("a request whose calls end it is for level seccomp alone", "[sandbox][messages]") {
  auto request = full_request();
  request.sandbox.level = core::sandbox_level::seccomp;
  request.sandbox.kill_on_violation = true;
  auto body = encode_request(1, request, {}).value();
  protocol::launch_view got;
  REQUIRE(protocol::decode_launch(body.data(), body.size(), got));
  CHECK(got.sandbox.kill_on_violation);
  request.sandbox.level = core::sandbox_level::subprocess;
  CHECK_FALSE(encode_request(1, request));
}

TEST_CASE("a failed step is named with its reason and its kind of error", "[sandbox][messages]") {
  const auto explain = [](protocol::stage at, int number) {
    return report_of({.cause = protocol::end_cause::setup_failed,
                      .failed = at,
                      .error_number = number,
                      .subject = "thing"},
                     core::sandbox_level::subprocess)
        .failure;
  };
  CHECK(explain(protocol::stage::exec, ENOENT).code == core::errc::invalid_payload);
  CHECK(explain(protocol::stage::exec, ENOENT).message.find("'thing'") != std::string::npos);
  CHECK(explain(protocol::stage::exec, ENOEXEC).message.find("#!") != std::string::npos);
  CHECK(explain(protocol::stage::exec, E2BIG).message.ends_with("hand over more in a file"));
  CHECK(explain(protocol::stage::overlay, EPERM).code == core::errc::sandbox_violation);
  CHECK(explain(protocol::stage::overlay, EPERM).origin == "launch:overlay");
  CHECK(explain(protocol::stage::process, EAGAIN).code == core::errc::resource_exhausted);
  CHECK(explain(protocol::stage::user, EPERM).code == core::errc::permission_denied);
  // Another listener is there already.
  CHECK(explain(protocol::stage::filter, EBUSY).code == core::errc::unsupported_operation);
  CHECK(explain(protocol::stage::filter, EBUSY).message.find("`violation: kill`")
        != std::string::npos);
}

TEST_CASE("every stage has its own name", "[sandbox][messages]") {
  CHECK(std::size(protocol::stage_names) == static_cast<std::size_t>(protocol::stage::exec) + 1);
  CHECK(protocol::to_string(protocol::stage::exec) == "exec");
  CHECK(protocol::to_string(protocol::stage::working_directory) == "working_directory");
  CHECK(protocol::to_string(static_cast<protocol::stage>(200)) == "unknown");
}
