#include "maze/core/cluster.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace maze::core;

TEST_CASE("submitting the same client id twice gives the same run", "[core][cluster]") {
  cluster sut{7};
  const auto first = sut.submit("count", "client-1");
  const auto again = sut.submit("count", "client-1");
  REQUIRE(first);
  REQUIRE(again);
  CHECK(first->fresh);
  CHECK_FALSE(again->fresh);
  CHECK(first->run == again->run);
  CHECK(sut.runs().size() == 1);
}

TEST_CASE("a client id cannot be used again for another workflow", "[core][cluster]") {
  cluster sut{7};
  REQUIRE(sut.submit("count", "client-1"));
  const auto other = sut.submit("plot", "client-1");
  REQUIRE_FALSE(other);
  CHECK(other.error().code == errc::invalid_argument);
  CHECK(other.error().message.find("client-1") != std::string::npos);
}

TEST_CASE("submits without a client id are always new runs", "[core][cluster]") {
  cluster sut{7};
  std::set<run_id> seen;
  for (int i = 0; i < 1000; ++i)
    seen.insert(sut.submit("count", "")->run);
  CHECK(seen.size() == 1000);
  CHECK_FALSE(seen.contains(run_id{0}));
}

TEST_CASE("equal seeds mint equal run ids", "[core][cluster]") {
  cluster a{42};
  cluster b{42};
  cluster c{43};
  CHECK(a.submit("x", "")->run == b.submit("x", "")->run);
  CHECK(a.submit("x", "")->run != c.submit("x", "")->run);
}

TEST_CASE("a node needs cores and a name of its own", "[core][cluster]") {
  cluster sut{1};
  const auto first = sut.join("a", {.cpu_millis = 2000});
  REQUIRE(first);
  CHECK(sut.join("b", {}).error().code == errc::invalid_argument);
  CHECK(sut.join("a", {.cpu_millis = 1000}).error().code == errc::already_exists);
  CHECK(sut.leave(*first));
  CHECK_FALSE(sut.leave(*first));
  const auto back = sut.join("a", {.cpu_millis = 2000});
  REQUIRE(back);
  CHECK(*back != *first);
}

TEST_CASE("a run that ended stays ended", "[core][cluster]") {
  cluster sut{1};
  const run_id run = sut.submit("x", "")->run;
  REQUIRE(sut.run_changed(run, run_state::running));
  REQUIRE(sut.run_changed(run, run_state::failed));
  CHECK(sut.run_changed(run, run_state::running).error().code == errc::stale);
  CHECK(sut.run_changed(run_id{run.value + 1}, run_state::running).error().code == errc::not_found);
  CHECK(sut.runs().at(run).state == run_state::failed);
}

TEST_CASE("only a run that has ended is forgotten, and its submit id with it", "[core][cluster]") {
  cluster sut{1};
  const run_id run = sut.submit("x", "id")->run;
  CHECK_FALSE(sut.forget(run));
  REQUIRE(sut.run_changed(run, run_state::running));
  CHECK_FALSE(sut.forget(run));
  REQUIRE(sut.run_changed(run, run_state::completed));
  CHECK(sut.forget(run));
  CHECK_FALSE(sut.forget(run));
  CHECK(sut.runs().empty());
  const auto again = sut.submit("y", "id");
  REQUIRE(again);
  CHECK(again->fresh);
  CHECK(again->run != run);
}
