#include "support/ready_host.hpp"

#include <catch2/catch.hpp>

#include <csignal>

using namespace maze::core;
using namespace maze::test;

TEST_CASE("a call in a copy of the host ends for itself, however it ends", "[sandbox][host]") {
  auto settings = with("hostile");
  settings.arguments.emplace_back("--fork");
  ready_host host(settings);
  const auto failed = [&host](std::string_view function, value arguments = list{}) {
    const auto reply = host.ask(function, std::move(arguments));
    REQUIRE_FALSE(reply.returned);
    // The next one is as well off as ever.
    CHECK(host.ask("good", list{4}).returned == value(4));
    return reply.failed;
  };
  const auto killed = [&](std::string_view function, int number, value arguments = list{}) {
    const auto why = failed(function, std::move(arguments));
    return why.code == errc::signalled && why.signal == number;
  };
  CHECK(killed("fault", SIGSEGV));
  CHECK(killed("overrun", SIGSEGV));
  CHECK(killed("give_up", SIGABRT));
  CHECK(killed("unexpected", SIGABRT));
  CHECK(killed("raise_signal", SIGTERM, list{SIGTERM}));
  // As somebody else's would: the call is made again.
  CHECK(failed("raise_signal", list{SIGKILL}).code == errc::worker_crash);
  CHECK(failed("leave", list{7}).exit_code == 7);
  CHECK(failed("leave_at_once", list{3}).code == errc::exit_nonzero);
  // All descriptors are its own: what it wrote there is no answer, and the stream goes on.
  failed("garbage");
  failed("close_all");
  CHECK(host.process.begun() == 20);
  host.process.close();
  CHECK(host.process.wait() == 0);
}

TEST_CASE("calls in copies are answered in their order, what they print once", "[sandbox][host]") {
  auto settings = with("plain");
  settings.arguments.emplace_back("--fork");
  ready_host host(settings);
  host.process.send(call_batch({host.call("print", list{"one"}), host.call("add", list{1, 2}),
                                host.call("fail", list{"no"}), host.call("large", list{3000000}),
                                host.call("print", list{"two"})}));
  const auto out = host.replies(5);
  REQUIRE(out.size() == 5);
  CHECK(out[1].returned == value(3));
  CHECK(out[2].failed.code == errc::user_exception);
  CHECK(out[3].returned.has_value());
  CHECK(host.process.printed().find("one") != std::string::npos);
  CHECK(host.process.printed().find("one") == host.process.printed().rfind("one"));
}
