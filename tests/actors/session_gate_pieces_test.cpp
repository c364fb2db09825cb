#include "support/session_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;

namespace {

of_run<ask_log> log_of(core::run_id run, std::uint64_t offset = 0, std::uint32_t number = 0) {
  return {run, {.task = "a", .number = number, .offset = offset}};
}

} // namespace

TEST_CASE_METHOD(test::session_fixture, "the log of a task comes from the node that ran it",
                 "[actors][session]") {
  const auto run = submit(form());
  const auto early = ask<task_log>(sut, log_of(run));
  CHECK(early.piece.bytes.empty());
  CHECK_FALSE(early.piece.ended);
  place(0);
  agent->log = log_piece{.bytes = "so far", .next = 6, .ended = true};
  const auto live = ask<task_log>(sut, log_of(run, 2));
  CHECK(live.number == 1);
  CHECK(live.piece.bytes == "so far");
  CHECK_FALSE(live.piece.ended);
  REQUIRE(agent->logs_asked.size() == 1);
  CHECK(agent->logs_asked[0].attempt == scheduler->offers[0].order.attempt);
  CHECK(agent->logs_asked[0].offset == 2);
  publish(0, "printed\n");
  CHECK(ask<task_log>(sut, log_of(run)).piece.ended);
  CHECK(agent->logs_asked.back().attempt == core::attempt_id{});
  CHECK(ask_failing<task_log>(sut, log_of(run, 0, 2)).code == core::errc::not_found);
}

TEST_CASE_METHOD(test::session_fixture, "a short log that no node keeps is in the task's output",
                 "[actors][session]") {
  const auto run = submit(form());
  publish(0, "printed\n");
  const auto whole = ask<task_log>(sut, log_of(run));
  CHECK(whole.piece.bytes == "printed\n");
  CHECK(whole.piece.next == 8);
  CHECK(whole.piece.ended);
  CHECK(ask<task_log>(sut, log_of(run, 6)).piece.bytes == "d\n");
  const auto behind = ask<task_log>(sut, log_of(run, 99));
  CHECK(behind.piece.bytes.empty());
  CHECK(behind.piece.ended);
  auto errors = log_of(run);
  errors.what.stream = log_stream::standard_error;
  CHECK(ask<task_log>(sut, errors).piece.bytes.empty());
}

TEST_CASE_METHOD(test::session_fixture, "a report comes in parts that belong together",
                 "[actors][session]") {
  auto wide = form();
  wide.tasks.clear();
  for (int i = 0; i < 4000; ++i)
    wide.tasks.push_back(
        test::shell("task" + std::to_string(i), "true",
                    i == 0 ? std::vector<std::string>{} : std::vector<std::string>{"task0"}));
  const auto run = submit(wide);
  lose(0, {.code = core::errc::exit_nonzero, .message = std::string(200, 'x')});
  const auto first = ask<report_part>(sut, of_run<ask_report_part>{run, {}});
  CHECK(first.bytes.size() == std::min<std::uint64_t>(first.size, document_part_max));
  std::string encoded = first.bytes;
  // Somebody else asks meanwhile.
  CHECK(ask<report_part>(sut, of_run<ask_report_part>{run, {}}).version != first.version);
  while (encoded.size() < first.size) {
    const auto next =
        ask<report_part>(sut, of_run<ask_report_part>{run, {encoded.size(), first.version}});
    REQUIRE(next.size == first.size);
    REQUIRE_FALSE(next.bytes.empty());
    encoded += next.bytes;
  }
  const auto report = read_report(encoded);
  REQUIRE(report);
  CHECK(report->state == core::run_state::failed);
  CHECK(report->not_completed.size() == 4000);
  ask<report_part>(sut, of_run<ask_report_part>{run, {}});
  CHECK(ask<report_part>(sut, of_run<ask_report_part>{run, {1, first.version}}).size == 0);
}

TEST_CASE_METHOD(test::session_fixture, "the output of a task is there once it has completed",
                 "[actors][session]") {
  const auto run = submit(form());
  CHECK(ask<task_output>(sut, of_run<ask_output>{run, {"a"}}).encoded.empty());
  publish(0, "x");
  CHECK(core::decode(ask<task_output>(sut, of_run<ask_output>{run, {"a"}}).encoded));
}
