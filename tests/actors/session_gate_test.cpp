#include "maze/actors/session_gate.hpp"

#include "support/session_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE_METHOD(test::session_fixture, "a session opens with the right protocol only",
                 "[actors][session]") {
  const auto opened = ask<session_opened>(sut, open_session{.client = "test", .ticket = ticket});
  CHECK(opened.name == "home");
  CHECK(opened.version == "1.2.3");
  CHECK(opened.whose == "client me");
  CHECK(opened.permitted == core::permission_set::all());
  const auto refused = ask_failing<session_opened>(sut, open_session{.client = "t", .protocol = 7});
  CHECK(refused.code == core::errc::unsupported_operation);
  CHECK_THAT(refused.message, Contains("1.2.3") && Contains("protocol 7"));
}

TEST_CASE_METHOD(test::session_fixture, "a submission in parts becomes one run, however often",
                 "[actors][session]") {
  const auto encoded = *core::encode_submission(form());
  const auto half = encoded.size() / 2;
  const auto first = submit_part{"c1", encoded.size(), 0, encoded.substr(0, half), ticket};
  const auto rest = submit_part{"c1", encoded.size(), half, encoded.substr(half), ticket};
  const auto progress = ask<submit_progress>(sut, first);
  CHECK(progress.received == half);
  CHECK(progress.run == core::run_id{});
  const auto accepted = ask_later<submit_progress>(sut, rest);
  CHECK(accepted.pending());
  test::acknowledge(*this, journal);
  CHECK(accepted.value().run != core::run_id{});
  CHECK(scheduler->offers.size() == 1);
  ask<submit_progress>(sut, first);
  CHECK(ask<submit_progress>(sut, rest).run == accepted.value().run);
  CHECK(scheduler->offers.size() == 1);
}

TEST_CASE_METHOD(test::session_fixture, "without the ticket of a client nothing is handed in",
                 "[actors][session]") {
  const auto encoded = *core::encode_submission(form());
  const auto denied = [&](const core::session_ticket& shown) {
    for (const core::error& why :
         {ask_failing<session_opened>(sut, open_session{.client = "t", .ticket = shown}),
          ask_failing<submit_progress>(sut, submit_part{"c1", encoded.size(), 0, encoded, shown}),
          ask_failing<call_service>(sut, enter_calls{core::run_id{}, shown})}) {
      CHECK(why.code == core::errc::permission_denied);
      CHECK_THAT(why.message, Contains("ticket"));
    }
  };
  denied({});
  denied({{.high = 11, .low = 13}});
  const core::session_ticket of_worker{{.high = 21, .low = 22}};
  const auto worker = admissions->enter(
      of_worker, {.who = {.role = io::node_role::worker, .name = "w1", .cluster = {}}});
  denied(of_worker);
  // One whose connection has ended.
  held.reset();
  denied(ticket);
  CHECK(scheduler->offers.empty());
}

TEST_CASE_METHOD(test::session_fixture, "what may be handed in depends on whose connection it is",
                 "[actors][session]") {
  auto anna = client_of("anna");
  anna.permitted = core::permission_set{};
  anna.permitted.add(core::permission::read_files);
  const core::session_ticket hers{{.high = 21, .low = 22}};
  const auto connection = admissions->enter(hers, anna);
  const auto opened = ask<session_opened>(sut, open_session{.client = "owner", .ticket = hers});
  CHECK(opened.whose == "client anna");
  CHECK(opened.permitted == anna.permitted);
  const auto encoded = *core::encode_submission(form());
  const auto why =
      ask_failing<submit_progress>(sut, submit_part{"c1", encoded.size(), 0, encoded, hers});
  CHECK(why.code == core::errc::permission_denied);
  CHECK(why.origin == "submit:a");
  CHECK_THAT(why.message, Contains("task 'a'") && Contains("system_commands")
                              && Contains("the join file of client anna"));
  CHECK(scheduler->offers.empty());
  submit(form());
  CHECK(scheduler->offers.size() == 1);
}

TEST_CASE_METHOD(test::session_fixture, "nobody adds a part to what another one hands in",
                 "[actors][session]") {
  const core::session_ticket other{{.high = 21, .low = 22}};
  const auto connection = admissions->enter(other, client_of("anna"));
  const auto encoded = *core::encode_submission(form());
  const auto half = encoded.size() / 2;
  ask<submit_progress>(sut, submit_part{"c1", encoded.size(), 0, encoded.substr(0, half), ticket});
  CHECK(ask_failing<submit_progress>(
            sut, submit_part{"c1", encoded.size(), half, encoded.substr(half), other})
            .code
        == core::errc::stale);
  ask<submit_progress>(sut, submit_part{"c1", encoded.size(), 0, "x", other});
  const auto accepted = ask_later<submit_progress>(
      sut, submit_part{"c1", encoded.size(), half, encoded.substr(half), ticket});
  test::acknowledge(*this, journal);
  CHECK(accepted.value().run != core::run_id{});
}

TEST_CASE_METHOD(test::session_fixture, "a wrong submission is refused with the reason",
                 "[actors][session]") {
  CHECK(ask_failing<submit_progress>(sut, submit_part{"", 1, 0, "x", ticket}).code
        == core::errc::invalid_argument);
  CHECK(ask_failing<submit_progress>(
            sut, submit_part{"c", 1U << 20, 0, std::string(document_part_max + 1, 'x')})
            .code
        == core::errc::limit_exceeded);
  CHECK(ask_failing<submit_progress>(sut, submit_part{"c", 9, 3, "xyz", ticket}).code
        == core::errc::stale);
  CHECK(
      ask_failing<submit_progress>(sut, submit_part{"c", 3, 0, std::string("\0yz", 3), ticket}).code
      == core::errc::malformed);
  auto cyclic = form();
  cyclic.tasks[0].after = {"a"};
  CHECK_THAT(submit_failing(cyclic).message, Contains("a -> a"));
  auto missing = form();
  missing.files["in.txt"] = {.hash = {1, 2}, .size = 3};
  missing.base = io::hash_bytes(core::encode_manifest(missing.files));
  const auto failed = submit_failing(missing);
  CHECK(failed.code == core::errc::object_lost);
  CHECK_THAT(failed.message, Contains("in.txt"));
  missing.base = {};
  CHECK(submit_failing(missing).code == core::errc::malformed);
  CHECK(scheduler->offers.empty());
}

TEST_CASE_METHOD(test::session_fixture, "runs are listed, found by what people call them, counted",
                 "[actors][session]") {
  const auto first = submit(form("c1", "words"));
  const auto second = submit(form("c2", "draw"));
  const auto page = ask<run_page>(sut, ask_runs{.first = 0, .count = 1});
  CHECK(page.total == 2);
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].run == second);
  CHECK(page.rows[0].state == core::run_state::running);
  CHECK(ask<run_page>(sut, ask_runs{.first = 1, .count = 9}).rows.at(0).name == "words");
  CHECK(ask<run_row>(sut, ask_run{"last"}).run == second);
  CHECK(ask<run_row>(sut, ask_run{"words"}).run == first);
  CHECK(ask_failing<run_row>(sut, ask_run{"none"}).code == core::errc::not_found);
  publish(0, "x");
  const auto status = ask<cluster_status>(sut, ask_cluster{});
  CHECK(status.runs == 2);
  CHECK(status.runs_live == 1);
  CHECK(status.nodes == 1);
  CHECK(status.total.cpu_millis == 2000);
  CHECK(status.counts[static_cast<std::size_t>(core::task_state::queued)] == 1);
}

TEST_CASE_METHOD(test::session_fixture, "tasks are listed with where they are",
                 "[actors][session]") {
  const auto run = submit(form());
  place(0);
  advance(3s);
  const auto page = ask<task_page>(sut, of_run<list_tasks>{run, {}});
  CHECK(page.total == 1);
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].name == "a");
  CHECK(page.rows[0].state == core::task_state::running);
  CHECK(page.rows[0].node == core::node_id{1});
  CHECK(page.rows[0].at == core::phase::execute);
  CHECK(page.rows[0].elapsed == 3s);
  CHECK(page.rows[0].attempts == 1);
  CHECK(ask<task_page>(sut, of_run<list_tasks>{run, {.first = 1}}).rows.empty());
  CHECK(ask_failing<task_page>(sut, of_run<list_tasks>{core::run_id{9}, {}}).code
        == core::errc::not_found);
}

TEST_CASE_METHOD(test::session_fixture, "news of a run comes when there is some, or in time",
                 "[actors][session]") {
  const auto run = submit(form());
  const auto waiting = ask_later<run_news>(sut, of_run<await_news>{run, {0, 5s}});
  CHECK(waiting.pending());
  advance(5s);
  CHECK_FALSE(waiting.value().ended);
  CHECK(waiting.value().total == 1);
  const auto hearing = ask_later<run_news>(sut, of_run<await_news>{run, {0, 5s}});
  lose(0, {.code = core::errc::exit_nonzero, .message = "it broke", .exit_code = 3});
  REQUIRE(hearing.value().not_completed.size() == 1);
  CHECK(hearing.value().not_completed[0].reason.exit_code == 3);
  CHECK(hearing.value().ended);
  const auto again = ask<run_news>(sut, of_run<await_news>{run, {1, 5s}});
  CHECK(again.not_completed.empty());
  CHECK(again.ended);
  CHECK(again.status.state == core::run_state::failed);
}

TEST_CASE_METHOD(test::session_fixture, "a run or one task is cancelled from afar",
                 "[actors][session]") {
  const core::error why{.code = core::errc::cancelled, .message = "enough"};
  const auto first = submit(form("c1"));
  place(0);
  CHECK(ask<bool>(sut, of_run<cancel_task>{first, {"a", why}}));
  CHECK(scheduler->stops == std::vector{scheduler->offers[0].order.attempt});
  CHECK_FALSE(ask<bool>(sut, of_run<cancel_task>{first, {"a", why}}));
  CHECK(ask_failing<bool>(sut, of_run<cancel_task>{first, {"b", why}}).code
        == core::errc::not_found);
  const auto second = submit(form("c2"));
  CHECK(ask<bool>(sut, of_run<cancel_run>{second, {why}}));
  test::acknowledge(*this, journal);
  CHECK(ask<run_row>(sut, ask_run{"last"}).state == core::run_state::cancelled);
  CHECK_FALSE(ask<bool>(sut, of_run<cancel_run>{second, {why}}));
}

TEST_CASE_METHOD(test::session_fixture, "nodes are listed with their load and can be drained",
                 "[actors][session]") {
  agent->load = {.free = {.cpu_millis = 500}, .running = 3, .labels = {{"room", "b"}}};
  const auto page = ask<node_page>(sut, ask_nodes{});
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].name == "n1");
  CHECK(page.rows[0].answers);
  CHECK(page.rows[0].load.running == 3);
  CHECK(page.rows[0].load.labels.at("room") == "b");
  CHECK(ask<bool>(sut, drain_member{"n1"}));
  CHECK(scheduler->drained == std::vector{core::node_id{1}});
  CHECK(agent->drains == std::vector{false});
  CHECK(ask_failing<bool>(sut, drain_member{"n2"}).code == core::errc::not_found);
  CHECK(ask_failing<bool>(sut, drain_member{""}).code == core::errc::invalid_argument);
}

TEST_CASE_METHOD(test::session_fixture, "the end of the node is asked for, not waited for",
                 "[actors][session]") {
  CHECK(ask<bool>(sut, shut_down{}));
  CHECK(shut_downs == 1);
}
