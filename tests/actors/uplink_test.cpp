#include "maze/actors/uplink.hpp"

#include "support/uplink_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using test::uplink_fixture;

TEST_CASE_METHOD(uplink_fixture, "an uplink dials until somebody answers", "[actors][uplink]") {
  book->dials_to_fail = 4;
  CHECK_FALSE(status().connected);
  serve();
  CHECK(connects());
  CHECK(book->dials == 5);
  CHECK(status().node == core::node_id{3});
}

TEST_CASE_METHOD(uplink_fixture, "a node whose incarnation is over joins as a newer one",
                 "[actors][uplink]") {
  book->joins_to_refuse = 2;
  serve();
  CHECK(connects());
  CHECK(book->incarnations == std::vector<std::uint64_t>{5, 6, 7});
}

TEST_CASE_METHOD(uplink_fixture, "a node that is told so while it comes back stops what it runs",
                 "[actors][uplink]") {
  serve();
  REQUIRE(connects());
  book->look([](auto& x) { x.joins_to_refuse = 1; });
  last.cut();
  CHECK(test::eventually(
      [&] { return book->look([](auto& x) { return x.incarnations.size() == 3; }); }));
  CHECK(connects());
  CHECK(book->incarnations == std::vector<std::uint64_t>{5, 5, 6});
  CHECK(book->abandoned == 1);
}

TEST_CASE_METHOD(uplink_fixture, "a node has left when its master says so or ends the session",
                 "[actors][uplink]") {
  book->answers_leave = GENERATE(true, false);
  serve();
  REQUIRE(connects());
  caf::scoped_actor self{own};
  bool left = false;
  self->request(sut, std::chrono::seconds(10), leave_cluster{})
      .receive([&](bool done) { left = done; },
               [](const caf::error& failed) { FAIL(core::describe(from_caf(failed))); });
  CHECK(left);
}
