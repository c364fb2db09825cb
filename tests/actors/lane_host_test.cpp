#include "maze/actors/lane_host.hpp"

#include "support/calls_fixture.hpp"

#include <csignal>

using namespace maze;
using namespace maze::actors;
using test::calls_fixture;

TEST_CASE_METHOD(calls_fixture, "a function that kills its child fails alone, by its own name",
                 "[actors][calls]") {
  core::call_plan plan = functions_of("hostile", {"good", "fault", "give_up", "overrun", "leave",
                                                  "leave_at_once", "garbage", "close_all", "copy"});
  const auto calls = open(std::move(plan));
  struct hostile {
    std::uint32_t function;
    core::list arguments;
    core::errc code;
  };
  const std::vector<hostile> all{
      {1, {}, core::errc::signalled},     {2, {}, core::errc::signalled},
      {3, {}, core::errc::signalled},     {4, {3}, core::errc::exit_nonzero},
      {4, {0}, core::errc::exit_nonzero}, {5, {0}, core::errc::exit_nonzero}};
  for (const hostile& one : all) {
    INFO("function " << one.function);
    const auto end = call(*calls, one.function, one.arguments);
    REQUIRE_FALSE(end);
    CHECK(end.error().code == one.code);
    const auto next = call(*calls, 0, {7});
    REQUIRE(next);
    CHECK(*next == core::value(7));
  }
}

TEST_CASE_METHOD(calls_fixture, "calls behind one that crashes are done by another child",
                 "[actors][calls]") {
  const auto calls = open(functions_of("hostile", {"good", "fault"}));
  constexpr std::uint32_t count = 300;
  for (std::uint32_t i = 0; i < count; ++i)
    REQUIRE(calls->call(i == 150 ? 1 : 0,
                        core::encode(i == 150 ? core::list{} : core::list{7}).value()));
  REQUIRE(calls->flush());
  const auto ends = take(*calls, count);
  for (const auto& [number, end] : ends) {
    INFO(number);
    CHECK(end.has_value() == (number != 150));
  }
  CHECK(ends.at(150).error().signal == SIGSEGV);
}

TEST_CASE("lanes give way to a command that waits, and come back", "[actors][calls]") {
  calls_fixture world(1);
  const auto calls = world.open(
      calls_fixture::python("import threading\ndef f():\n  threading.Event().wait(0.02)\n"));
  for (int i = 0; i < 50; ++i)
    REQUIRE(calls->call(0, core::encode(core::list{}).value()));
  REQUIRE(calls->flush());
  static_cast<void>(calls_fixture::take(*calls, 1));
  const auto report = world.nodes.run(test::work_of({test::command("a", {"/bin/true"})}));
  CHECK(report.state == core::run_state::completed);
  // Those that were left.
  static_cast<void>(calls_fixture::take(*calls, 49));
}
