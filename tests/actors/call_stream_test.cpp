#include "maze/actors/api/call_stream.hpp"

#include "support/calls_fixture.hpp"

#include <thread>

using namespace maze;
using namespace maze::actors;
using test::calls_fixture;

namespace {

std::string list_of(core::list x) { return core::encode(std::move(x)).value(); }

} // namespace

TEST_CASE_METHOD(calls_fixture, "calls of a library and of Python come back with their values",
                 "[actors][calls]") {
  const auto cpp = open(functions_of("plain", {"add", "echo"}));
  CHECK(*call(*cpp, 0, {2, 40}) == core::value(42));
  CHECK(*call(*cpp, 1, {core::value("text")}) == core::value("text"));
  const auto python = open(calls_fixture::python("def f(x):\n  print(x)\n  return [x, x]\n"));
  CHECK(*call(*python, 0, {7}) == core::value(core::list{7, 7}));
}

TEST_CASE_METHOD(calls_fixture, "ten thousand calls end once each, and their run with them",
                 "[actors][calls]") {
  const auto run = start(functions_of("plain", {"add"}));
  const auto calls = open(run);
  constexpr int count = 10'000;
  std::thread sender([&] {
    for (int i = 0; i < count; ++i)
      if (!calls->call(0, list_of({i, 1})))
        return;
    static_cast<void>(calls->close());
  });
  const auto ends = take(*calls, count);
  sender.join();
  for (const auto& [number, end] : ends)
    REQUIRE(*end == core::value(std::int64_t{number} + 1));
  CHECK(calls->next(std::chrono::seconds(30))->message.empty());
  REQUIRE(calls->over());
  CHECK(calls->over()->completed == count);
  const auto report = nodes.await(run);
  CHECK(report.state == core::run_state::completed);
  CHECK(report.counts[static_cast<std::size_t>(core::task_state::completed)] == count);
}

TEST_CASE_METHOD(calls_fixture, "a call gets the results of those that it depends on",
                 "[actors][calls]") {
  const auto calls = open(functions_of("plain", {"add"}));
  const auto a = calls->call(0, list_of({1, 2})).value();
  const auto b = calls->call(0, list_of({3, 4})).value();
  const auto arguments =
      list_of({core::value(core::result_of(a)), core::value(core::result_of(b))});
  const auto sum = calls->call(0, arguments, core::placeholders_in(arguments).value()).value();
  REQUIRE(calls->flush());
  CHECK(*take(*calls, 3).at(sum) == core::value(10));
}

TEST_CASE_METHOD(calls_fixture, "an exception fails its call and what depends on it alone",
                 "[actors][calls]") {
  const auto run = start(functions_of("plain", {"fail", "add"}));
  const auto calls = open(run);
  const auto bad = calls->call(0, list_of({core::value("no")})).value();
  const auto behind =
      calls->call(1, list_of({1, 1}), std::vector<core::call_dependency>{{bad}}).value();
  const auto good = calls->call(1, list_of({1, 1})).value();
  REQUIRE(calls->close());
  const auto ends = take(*calls, 3);
  CHECK(ends.at(bad).error().code == core::errc::user_exception);
  CHECK(ends.at(bad).error().message == "std::out_of_range: no");
  CHECK(ends.at(behind).error().code == core::errc::upstream_failed);
  CHECK(*ends.at(good) == core::value(2));
  CHECK(nodes.await(run).state == core::run_state::failed);
}

TEST_CASE_METHOD(calls_fixture, "arguments that fit no frame are refused, and the next call works",
                 "[actors][calls]") {
  const auto calls = open(functions_of("plain", {"echo"}));
  const auto refused = calls->call(0, list_of({core::value(std::string(2 << 20, 'x'))}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::limit_exceeded);
  const std::string most((1 << 20) - 200, 'x');
  CHECK(*call(*calls, 0, {core::value(most)}) == core::value(most));
}

TEST_CASE_METHOD(calls_fixture, "a run of calls that is cancelled ends every call",
                 "[actors][calls]") {
  const auto run =
      start(calls_fixture::python("import threading\ndef f():\n  threading.Event().wait(3600)\n"));
  const auto calls = open(run);
  for (int i = 0; i < 10; ++i)
    REQUIRE(calls->call(0, list_of({})));
  REQUIRE(calls->flush());
  caf::anon_send(run.context, cancel_run{{.code = core::errc::cancelled, .message = "enough"}});
  for (const auto& [number, end] : take(*calls, 10))
    CHECK(end.error().code == core::errc::cancelled);
  CHECK(nodes.await(run).state == core::run_state::cancelled);
}

TEST_CASE_METHOD(calls_fixture, "a client that reads nothing holds the calls up, not the memory",
                 "[actors][calls]") {
  const auto calls = open(functions_of("plain", {"large"}));
  // 30 results of 1 MB are more than the window.
  for (int i = 0; i < 30; ++i)
    REQUIRE(calls->call(0, list_of({1 << 20})));
  REQUIRE(calls->close());
  for (const auto& [number, end] : take(*calls, 30))
    CHECK(end->as<core::bytes>()->size() == 1 << 20);
  CHECK(calls->next(std::chrono::seconds(30))->message.empty());
}
