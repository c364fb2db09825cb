#include "support/builders.hpp"
#include "support/uplink_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using test::uplink_fixture;

namespace {

constexpr core::run_id ordered_run{7};

core::run_orders orders(const std::vector<std::uint64_t>& counters) {
  core::run_orders out;
  for (const std::uint64_t counter : counters)
    out.orders.push_back({.run = ordered_run,
                          .task = core::task_id{0},
                          .attempt = test::attempt(counter),
                          .needs = {.cpu_millis = 1000}});
  return out;
}

publish_attempt publication(std::uint64_t counter) {
  return {test::attempt(counter), test::output_of("x"), {}, {}, {}};
}

} // namespace

TEST_CASE_METHOD(uplink_fixture, "orders reach the agent, and what becomes of them the master",
                 "[actors][uplink]") {
  book->to_say = {orders({1, 2, 3})};
  serve();
  REQUIRE(
      test::eventually([&] { return book->look([](auto& x) { return x.orders.size() == 3; }); }));
  tell(attempt_entered{test::attempt(1), core::phase::execute});
  tell(publication(1));
  tell(attempts_ended{{test::attempt(1)}});
  tell(attempt_lost{test::attempt(2), {.code = core::errc::exit_nonzero}, {}});
  tell(attempt_refused{book->orders.at(2), {.cpu_millis = 5}, true});
  const auto told = heard(5);
  CHECK(std::get<core::order_entered>(told[0]).run == ordered_run);
  CHECK(std::get<core::order_published>(told[1]).attempt == test::attempt(1));
  CHECK(std::get<core::orders_ended>(told[2]).attempts == std::vector{test::attempt(1)});
  CHECK(std::get<core::order_lost>(told[3]).reason.code == core::errc::exit_nonzero);
  CHECK(std::get<core::orders_refused>(told[4]).draining);
}

TEST_CASE_METHOD(uplink_fixture, "a publication goes out when its files are with the master",
                 "[actors][uplink]") {
  book->to_say = {orders({1})};
  auto whole = publication(1);
  whole.files.written["a.txt"] = {.hash = {1, 2}, .size = 3};
  whole.files.written["link"] = {.kind = core::file_kind::symlink, .target = "a.txt"};
  SECTION("which they come to be") {
    serve();
    REQUIRE(
        test::eventually([&] { return book->look([](auto& x) { return x.orders.size() == 1; }); }));
    tell(whole);
    CHECK(std::get<core::order_published>(heard(1)[0]).files == whole.files);
    REQUIRE(book->pushes.size() == 1);
    CHECK(book->pushes[0].blobs.size() == 1);
  }
  SECTION("or is lost where they cannot be") {
    book->master_takes = false;
    serve();
    REQUIRE(
        test::eventually([&] { return book->look([](auto& x) { return x.orders.size() == 1; }); }));
    tell(whole);
    CHECK(std::get<core::order_lost>(heard(1)[0]).reason.code == core::errc::transfer_error);
  }
}

TEST_CASE_METHOD(uplink_fixture, "what ends after its run was closed is told to nobody",
                 "[actors][uplink]") {
  book->to_say = {orders({1}), core::close_run{ordered_run}};
  serve();
  REQUIRE(
      test::eventually([&] { return book->look([](auto& x) { return x.closed.size() == 1; }); }));
  tell(attempt_lost{test::attempt(1), {.code = core::errc::cancelled}, {}});
  tell(publication(1));
  tell(attempts_ended{{test::attempt(1)}});
  CHECK(std::holds_alternative<core::orders_ended>(heard(1)[0]));
}

TEST_CASE_METHOD(uplink_fixture, "a document that is none is an error for who asks for the run",
                 "[actors][uplink]") {
  caf::scoped_actor self{own};
  core::errc failed = core::errc::none;
  self->request(sut, std::chrono::seconds(60), find_run{ordered_run})
      .receive([](const run_bundle_ptr&) {},
               [&](const caf::error& why) { failed = from_caf(why).code; });
  CHECK(failed != core::errc::none);
}

TEST_CASE_METHOD(uplink_fixture, "a node that was asked to drain says when it is idle",
                 "[actors][uplink]") {
  book->to_say = {core::drain_node{}};
  serve();
  CHECK(std::holds_alternative<core::node_leaving>(heard(1)[0]));
}

TEST_CASE_METHOD(uplink_fixture, "a node hears which data nobody needs any more",
                 "[actors][uplink]") {
  const core::drop_data news{.runs = {ordered_run}, .blobs = {{1, 2}}};
  book->to_say = {news};
  serve();
  REQUIRE(
      test::eventually([&] { return book->look([](auto& x) { return x.dropped.size() == 1; }); }));
  CHECK(book->look([](auto& x) { return x.dropped[0]; }) == news);
}
