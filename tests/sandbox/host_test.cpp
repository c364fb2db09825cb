#include "maze/core/codec.hpp"
#include "maze/core/library.hpp"
#include "maze/core/library_abi.hpp"
#include "support/ready_host.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <csignal>
#include <sys/wait.h>

using namespace maze::core;
using namespace maze::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// A host that calls `function` between good calls, all of one batch, and what became of it.
struct fatal_call {
  std::vector<host_reply> replies;
  int status = 0;
  std::uint64_t begun = 0;

  explicit fatal_call(std::string_view function, value arguments = list{}) {
    ready_host host(with("hostile"));
    host.process.send(
        call_batch({host.call("good", list{1}), host.call("good", list{2}),
                    host.call(function, std::move(arguments)), host.call("good", list{4})}));
    replies = host.replies(4);
    status = host.process.wait();
    begun = host.process.begun();
  }

  /// Ended by this call, and what was ready before got out.
  [[nodiscard]] bool ended_by_third(int expected) const {
    return replies.size() == 2 && replies[1].returned == value(2) && status == expected
           && begun == 3;
  }
};

error load_refusal(const host_process::options& settings) {
  const auto out = run_host(once(settings, "--describe"), "");
  CHECK(out.status == 1);
  return refusal_in(out.answer);
}

} // namespace

TEST_CASE("a host says what its libraries offer and answers calls in their order",
          "[sandbox][host]") {
  ready_host host({.arguments = {"--library", library("plain"), "--library", library("hostile")}});
  REQUIRE(host.libraries.libraries.size() == 2);
  const auto& plain = host.libraries.libraries[0];
  CHECK(plain.name == "plain");
  CHECK(plain.version == "1.2");
  CHECK_FALSE(plain.compiler.empty());
  REQUIRE(plain.find("add") != nullptr);
  CHECK(plain.find("add")->needs == resources{.cpu_millis = 2000});
  CHECK(plain.find("count")->parameters.at(1).default_value == value(1));
  host.process.send(call_batch({host.call("count", list{"a b a"}),
                                host.call("nothing"),
                                host.call("add", dict{{"a", 1}}),
                                host.call("good", list{7}),
                                host.call("half", list{3}),
                                host.call("add", list{"x"}),
                                host.call("fail", list{"vector::at"}),
                                {999, list{}}}));
  const auto out = host.replies(8);
  REQUIRE(out.size() == 8);
  for (std::size_t i = 0; i < out.size(); ++i)
    CHECK(out[i].number == i + 1);
  CHECK(out[0].returned == value(dict{{"a", 2}, {"b", 1}}));
  CHECK(out[1].returned == value());
  CHECK(out[2].returned == value(11));
  CHECK(out[3].returned == value(7));
  CHECK(out[4].returned == value(1.5));
  CHECK(out[5].failed.code == errc::invalid_payload);
  CHECK(out[5].failed.message == "`add`, parameter `a`: expected int, got string");
  CHECK(out[6].failed.code == errc::user_exception);
  CHECK(out[6].failed.message == "std::out_of_range: vector::at");
  CHECK(out[6].failed.origin == "plain.fail");
  CHECK(out[7].failed.code == errc::untrusted_function);
  CHECK(host.process.begun() == 8);
  host.process.close();
  CHECK_FALSE(host.process.receive().has_value());
  CHECK(host.process.wait() == 0);
}

TEST_CASE("many calls in many pieces are answered once each", "[sandbox][host]") {
  ready_host host(with("plain"));
  std::vector<host_call> calls(500, host.call("add", list{1, 2}));
  const auto batch = call_batch(calls);
  for (std::size_t at = 0; at < batch.size(); at += 1000)
    host.process.send(std::string_view(batch).substr(at, 1000));
  const auto out = host.replies(500);
  REQUIRE(out.size() == 500);
  for (std::size_t i = 0; i < out.size(); ++i)
    CHECK((out[i].number == i + 1 && out[i].returned == value(3)));
  CHECK(host.process.begun() == 500);
}

TEST_CASE("what functions print is theirs and disturbs no reply", "[sandbox][host]") {
  ready_host host(with("plain"));
  CHECK(host.ask("print", list{"hello"}).returned == value("hello"));
  CHECK(host.process.printed() == "helloMZC1\n");
  CHECK(host.process.complained() == "hello");
}

TEST_CASE("a result beyond the limit is a failure of its call", "[sandbox][host]") {
  ready_host host(with("plain"));
  const auto out = host.ask("large", list{100 << 20});
  CHECK(out.failed.code == errc::limit_exceeded);
  CHECK(out.failed.message == "result of `large`: takes more than 67108864 bytes encoded");
  const auto megabyte = host.ask("large", list{1 << 20}).returned;
  REQUIRE(megabyte.has_value());
  CHECK(megabyte->as<bytes>()->size() == 1 << 20);
  auto narrow = with("plain");
  narrow.arguments.insert(narrow.arguments.end(), {"--result-max", "1000"});
  ready_host small(narrow);
  CHECK(small.ask("large", list{997}).returned.has_value());
  CHECK(small.ask("large", list{998}).failed.code == errc::limit_exceeded);
}

TEST_CASE("a result that cannot be encoded names the place", "[sandbox][host]") {
  ready_host host(with("plain"));
  CHECK_THAT(host.ask("broken_inside").failed.message,
             StartsWith("result of `broken_inside`[1].key: "));
}

TEST_CASE("a function that ends its process loses no reply before it", "[sandbox][host]") {
  CHECK(fatal_call("fault").ended_by_third(256 + SIGSEGV));
  CHECK(fatal_call("overrun").ended_by_third(256 + SIGSEGV));
  CHECK(fatal_call("give_up").ended_by_third(256 + SIGABRT));
  CHECK(fatal_call("unexpected").ended_by_third(256 + SIGABRT));
  CHECK(fatal_call("raise_signal", list{SIGFPE}).ended_by_third(256 + SIGFPE));
  CHECK(fatal_call("raise_signal", list{SIGBUS}).ended_by_third(256 + SIGBUS));
  CHECK(fatal_call("raise_signal", list{SIGILL}).ended_by_third(256 + SIGILL));
  CHECK(fatal_call("leave", list{7}).ended_by_third(7));
}

TEST_CASE("a process that is gone at once has counted the calls that began", "[sandbox][host]") {
  const fatal_call left("leave_at_once", list{3});
  CHECK(left.status == 3);
  CHECK(left.begun == 3);
  CHECK(left.replies.size() <= 2);
  const fatal_call killed("raise_signal", list{SIGKILL});
  CHECK(killed.status == 256 + SIGKILL);
  CHECK(killed.begun == 3);
}

TEST_CASE("garbage on every descriptor is a failure that the reader sees", "[sandbox][host]") {
  ready_host host(with("hostile"));
  host.process.send(call_batch({host.call("garbage")}));
  CHECK_THROWS_WITH(host.replies(1), Contains("no message of calls"));
}

TEST_CASE("a host whose descriptors were closed ends and says so", "[sandbox][host]") {
  ready_host host(with("hostile"));
  host.process.send(call_batch({host.call("close_all")}));
  CHECK(host.replies(1).empty());
  CHECK(host.process.wait() == 70);
  CHECK_THAT(host.process.complained(), StartsWith("maze-host: "));
}

TEST_CASE("a copy of the host that a function made never answers", "[sandbox][host]") {
  ready_host host(with("hostile"));
  host.process.send(
      call_batch({host.call("good", list{1}), host.call("copy"), host.call("good", list{3})}));
  const auto out = host.replies(3);
  REQUIRE(out.size() == 3);
  CHECK(out[2].returned == value(3));
  host.process.close();
  CHECK_FALSE(host.process.receive().has_value());
  CHECK(host.process.wait() == 0);
  CHECK(host.process.printed() == "before");
}

TEST_CASE("programs that functions start inherit nothing of the host", "[sandbox][host]") {
  ready_host host(with("hostile"));
  // Its own folder is the fourth that ls has open.
  CHECK(host.ask("inherited").returned == value("0\n1\n2\n3\n"));
}

TEST_CASE("messages that no node sends end the host", "[sandbox][host]") {
  const auto ends = [](const std::string& bytes) {
    ready_host host(with("plain"));
    host.process.send(bytes);
    host.process.close();
    CHECK(host.replies(1).empty());
    CHECK_THAT(host.process.complained(), Contains("maze-host: "));
    return host.process.wait();
  };
  CHECK(ends(std::string(1000, 'x')) == 70);
  CHECK(ends(call_message(call_kind::replies, 0, 0, "")) == 70);
  CHECK(ends(call_message(call_kind::calls, 0, 0, "").substr(0, 30)) == 70);
}

TEST_CASE("definitions number functions anew, and one that leads nowhere fails its calls",
          "[sandbox][host]") {
  ready_host host({.arguments = {"--library", library("plain"), "--library", library("hostile")}});
  call_message_writer defines;
  defines.add(0, 0, encode(dict{{"library", 1}, {"function", "good"}}).value());
  defines.add(0, 1, encode(dict{{"library", 0}, {"function", "add"}}).value());
  defines.add(0, 2, encode(dict{{"library", 1}, {"function", "add"}}).value());
  defines.add(0, 3, "no value");
  defines.add(0, 1U << 30, "");
  std::string bytes;
  defines.finish(call_kind::define, bytes);
  host.process.send(
      bytes
      + call_batch({{0, list{7}}, {1, list{1, 2}}, {2, list{}}, {3, list{}}, {1U << 30, list{}}}));
  const auto out = host.replies(5);
  REQUIRE(out.size() == 5);
  CHECK(out[0].returned == value(7));
  CHECK(out[1].returned == value(3));
  for (std::size_t i = 2; i < 5; ++i)
    CHECK(out[i].failed.code == errc::untrusted_function);
}

TEST_CASE("a library is described without being called", "[sandbox][host]") {
  const auto out = run_host(once(with("plain"), "--describe"), "");
  CHECK(out.status == 0);
  CHECK(offered(out.answer).libraries.at(0).name == "plain");
}

TEST_CASE("calls of a file are answered in a file", "[sandbox][host]") {
  const auto& set = offered(run_host(once(with("hostile"), "--describe"), "").answer);
  std::uint32_t good = 0;
  std::uint32_t leave = 0;
  for (std::uint32_t i = 0; const auto& f : set.libraries.at(0).functions) {
    good = f.name == "good" ? i : good;
    leave = f.name == "leave" ? i : leave;
    ++i;
  }
  const auto whole =
      run_host(once(with("hostile")), call_batch({{good, list{1}}, {good, list{"x"}}}));
  CHECK(whole.status == 0);
  const auto replies = replies_in(whole.answer);
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].returned == value(1));
  CHECK(replies[1].failed.code == errc::invalid_payload);
  const auto cut = run_host(once(with("hostile")),
                            call_batch({{good, list{1}}, {leave, list{5}}, {good, list{3}}}));
  CHECK(cut.status == 5);
  CHECK(replies_in(cut.answer).size() == 1);
  CHECK(run_host(once(with("hostile")), call_batch({})).status == 0);
  CHECK(run_host(once(with("hostile")), "").status == 70);
  CHECK(run_host(once(with("hostile")), "no calls in this file at all").status == 70);
}

TEST_CASE("a file that is no task library is refused", "[sandbox][host]") {
  const auto text =
      load_refusal({.arguments = {"--library", std::string(MAZE_SOURCE_DIR) + "/README.md"}});
  CHECK(text.code == errc::invalid_payload);
  CHECK_THAT(text.message, Contains("invalid ELF header") || Contains("file too short"));
  CHECK_THAT(load_refusal({.arguments = {"--library", "/nowhere/lib.so"}}).message,
             Contains("No such file"));
  const auto other = load_refusal({.arguments = {"--library", "libm.so.6"}});
  CHECK(other.code == errc::unsupported_operation);
  CHECK_THAT(other.message, Contains("maze_add_task_library"));
  CHECK_THAT(load_refusal(with("unresolved")).message,
             Contains("undefined symbol") && Contains("maze_test_nobody_defines_this"));
}

TEST_CASE("a library of another interface is refused with both versions", "[sandbox][host]") {
  const auto lie = [](const std::string& what) {
    return load_refusal(with("lying", {{"MAZE_TEST_LIE", what}}));
  };
  const auto version = lie("version");
  CHECK(version.code == errc::unsupported_operation);
  CHECK_THAT(version.message, Contains("version 99")
                                  && Contains(fmt::format("version {}", library_abi_version))
                                  && Contains("build it again"));
  CHECK(lie("magic").code == errc::unsupported_operation);
  CHECK(lie("null").code == errc::unsupported_operation);
  CHECK(lie("size").code == errc::unsupported_operation);
  CHECK(lie("count").code == errc::malformed);
  CHECK(lie("description").code == errc::malformed);
  CHECK_THAT(lie("fault").message, Contains("something is wrong"));
}

TEST_CASE("a library that answers wrongly fails its calls alone", "[sandbox][host]") {
  const auto lie = [](const std::string& what) {
    auto settings = with("lying", {{"MAZE_TEST_LIE", what}});
    settings.arguments.insert(settings.arguments.end(), {"--result-max", "999"});
    const auto out = run_host(once(settings), call_batch({{0, list{}}}));
    CHECK(out.status == 0);
    const auto replies = replies_in(out.answer);
    REQUIRE(replies.size() == 1);
    return replies[0];
  };
  CHECK(lie("no function").failed.code == errc::unsupported_operation);
  CHECK(lie("no answer").failed.code == errc::unsupported_operation);
  CHECK(lie("two answers").returned == value(true));
  CHECK(lie("odd outcome").failed.code == errc::limit_exceeded);
  CHECK(lie("long answer").failed.code == errc::limit_exceeded);
}

TEST_CASE("a library that misbehaves as it is loaded never becomes ready", "[sandbox][host]") {
  const auto load = [](const std::string& what) {
    host_process host(with("at_load", {{"MAZE_TEST_AT_LOAD", what}}));
    CHECK_FALSE(host.receive().has_value());
    return host.wait();
  };
  CHECK(load("crash") == 256 + SIGSEGV);
  CHECK(load("throw") == 256 + SIGABRT);
  CHECK(load("exit") == 9);
  host_process blocked(with("at_load", {{"MAZE_TEST_AT_LOAD", "block"}}));
  int status = 0;
  REQUIRE(::waitpid(blocked.pid(), &status, WUNTRACED) == blocked.pid());
  CHECK(WIFSTOPPED(status));
  ::kill(blocked.pid(), SIGKILL);
  CHECK_FALSE(blocked.receive().has_value());
  CHECK(blocked.wait() == 256 + SIGKILL);
}

TEST_CASE("a library that forks as it is loaded is ready once", "[sandbox][host]") {
  ready_host host(with("at_load", {{"MAZE_TEST_AT_LOAD", "fork"}}));
  CHECK(host.ask("loaded").returned == value(true));
  host.process.close();
  CHECK_FALSE(host.process.receive().has_value());
  CHECK(host.process.wait() == 0);
}

TEST_CASE("a host that is called wrongly says how", "[sandbox][host]") {
  const auto help = run_host({.arguments = {"--help"}}, "");
  CHECK(help.status == 0);
  CHECK_THAT(help.printed, Contains("--library PATH"));
  CHECK(run_host({.arguments = {"--what"}}, "").status == 2);
  CHECK(run_host({.arguments = {"--library"}}, "").status == 2);
  CHECK(run_host({.arguments = {"--result-max", "many"}}, "").status == 2);
  CHECK_THAT(run_host({.arguments = {"--once", "--describe"}}, "").complained, Contains("one of"));
}
