#include "support/calls_fixture.hpp"
#include "support/eventually.hpp"
#include "support/launcher_fixture.hpp"
#include "support/scratch_dir.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

using namespace maze;
using namespace maze::actors;
using test::calls_fixture;

TEST_CASE_METHOD(calls_fixture, "a call that takes too long is ended with its child alone",
                 "[actors][calls]") {
  core::call_plan plan = calls_fixture::python(
      "import threading\ndef f(s):\n  threading.Event().wait(s)\n  return s\n");
  plan.sandbox.wall_time = std::chrono::milliseconds(300);
  const auto calls = open(std::move(plan));
  const auto late = call(*calls, 0, {3600});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == core::errc::timeout_wall);
  CHECK(*call(*calls, 0, {0}) == core::value(0));
}

TEST_CASE_METHOD(calls_fixture,
                 "a warm child keeps what the calls before left, a fresh one nothing",
                 "[actors][calls]") {
  const bool fresh = GENERATE(false, true);
  core::call_plan plan =
      calls_fixture::python("count = 0\ndef f():\n  global count\n  count += 1\n  return count\n");
  plan.child = fresh ? core::child_use::fresh : core::child_use::warm;
  const auto calls = open(std::move(plan));
  for (int i = 1; i <= 3; ++i)
    CHECK(*call(*calls, 0, {}) == core::value(fresh ? 1 : i));
}

TEST_CASE_METHOD(calls_fixture, "a child is replaced after as many calls as the plan says",
                 "[actors][calls]") {
  core::call_plan plan =
      calls_fixture::python("count = 0\ndef f():\n  global count\n  count += 1\n  return count\n");
  plan.child_calls_max = 2;
  const auto calls = open(std::move(plan));
  std::vector<std::int64_t> counts;
  for (int i = 0; i < 6; ++i)
    counts.push_back(*call(*calls, 0, {})->as<std::int64_t>());
  CHECK(counts == std::vector<std::int64_t>{1, 2, 1, 2, 1, 2});
}

TEST_CASE_METHOD(calls_fixture, "a child that has grown beyond what the plan says is replaced",
                 "[actors][calls]") {
  core::call_plan plan =
      calls_fixture::python("import os\nkept = []\nname = os.urandom(8).hex()\ndef f(n):\n  "
                            "kept.append(bytes([7]) * n)\n  "
                            "return name\n");
  plan.child_memory_max = core::byte_count{std::uint64_t{100} << 20};
  const auto calls = open(std::move(plan));
  const auto first = *call(*calls, 0, {1});
  CHECK(*call(*calls, 0, {1}) == first);
  core::value last = first;
  // What it has in use is looked at every few milliseconds.
  for (int i = 0; i < 300 && last == first; ++i)
    last = *call(*calls, 0, {20 << 20});
  CHECK_FALSE(last == first);
}

TEST_CASE_METHOD(calls_fixture, "a call that is cancelled ends, and those behind it go on",
                 "[actors][calls]") {
  const auto calls = open(calls_fixture::python(
      "import threading\ndef f(s):\n  threading.Event().wait(s)\n  return s\n"));
  CHECK(*call(*calls, 0, {0}) == core::value(0));
  std::vector<core::call_number> numbers;
  for (int i = 0; i < 6; ++i)
    numbers.push_back(
        calls->call(0, core::encode(core::list{core::value(i == 1 || i == 4 ? 3600 : 0)}).value())
            .value());
  REQUIRE(calls->cancel(std::vector{numbers[1], numbers[4]}));
  for (const auto& [number, end] : take(*calls, 6)) {
    INFO(number);
    REQUIRE(end.has_value() == (number != numbers[1] && number != numbers[4]));
    if (!end)
      CHECK(end.error().code == core::errc::cancelled);
  }
  CHECK(*call(*calls, 0, {0}) == core::value(0));
}

TEST_CASE_METHOD(calls_fixture, "a call at work when maze-init dies is done by another child",
                 "[actors][calls]") {
  const test::scratch_dir room;
  const auto go = (room / "go").string();
  const auto calls = open(calls_fixture::python(
      "import os, threading\ndef f(path):\n  open(path + '.began', 'w').close()\n"
      "  while not os.path.exists(path): threading.Event().wait(0.002)\n  return 7\n"));
  REQUIRE(calls->call(0, core::encode(core::list{core::value(go)}).value()));
  REQUIRE(calls->flush());
  REQUIRE(test::eventually([&] { return std::filesystem::exists(go + ".began"); }));
  for (const int child : test::children_of(::getpid()))
    ::kill(child, SIGKILL);
  std::ofstream(go).put('x');
  const auto ends = take(*calls, 1);
  REQUIRE(ends.begin()->second.has_value());
  CHECK(*ends.begin()->second == core::value(7));
}

TEST_CASE_METHOD(calls_fixture, "a call whose child is killed again and again ends, others do not",
                 "[actors][calls]") {
  const auto calls = open(calls_fixture::python(
      "import os, signal\ndef f(deadly):\n  if deadly: os.kill(os.getpid(), signal.SIGKILL)\n"
      "  return 7\n"));
  constexpr std::uint32_t count = 20;
  for (std::uint32_t i = 0; i < count; ++i)
    REQUIRE(calls->call(0, core::encode(core::list{core::value(i == 10)}).value()));
  REQUIRE(calls->flush());
  for (const auto& [number, end] : take(*calls, count)) {
    INFO(number);
    REQUIRE(end.has_value() == (number != 10));
    if (!end)
      CHECK(end.error().code == core::errc::worker_crash);
  }
}
