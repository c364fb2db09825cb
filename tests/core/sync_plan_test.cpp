#include "maze/core/sync_plan.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

using outcome = sync_plan::outcome;

constexpr node_id master{1};
constexpr node_id near{2};
constexpr node_id far{3};

blob_id blob(std::uint64_t number, std::uint64_t size = 10) {
  return {.hash = {.high = number, .low = 1}, .size = size};
}

std::vector<sync_plan::wanted_blob> wanted(std::vector<blob_id> blobs,
                                           std::vector<node_id> holders = {}) {
  std::vector<sync_plan::wanted_blob> out;
  for (const auto& one : blobs)
    out.push_back({.blob = one, .holders = holders});
  return out;
}

template <class Action>
std::vector<Action> of_kind(const sync_plan::actions& actions) {
  std::vector<Action> out;
  for (const auto& one : actions)
    if (const auto* found = std::get_if<Action>(&one))
      out.push_back(*found);
  return out;
}

std::vector<sync_plan::start_fetch> started(const sync_plan::actions& actions) {
  return of_kind<sync_plan::start_fetch>(actions);
}
std::vector<sync_plan::want_done> done(const sync_plan::actions& actions) {
  return of_kind<sync_plan::want_done>(actions);
}

struct fixture {
  sync_plan sut{{.batch_bytes = 100, .batch_blobs = 4, .fetches_per_holder = 2}, master};
  std::chrono::nanoseconds now{0};

  sync_plan::actions ended(const sync_plan::start_fetch& fetch, outcome what, bool broken = false) {
    const std::vector<outcome> outcomes(fetch.blobs.size(), what);
    auto out = sut.fetch_ended(fetch.fetch, outcomes, broken, now);
    sut.check_invariants();
    return out;
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "a want is done when its last blob is here", "[core][sync_plan]") {
  const auto first = started(sut.want({1}, wanted({blob(1), blob(2)}), now));
  REQUIRE(first.size() == 1);
  CHECK(first[0].holder == master);
  CHECK(first[0].blobs == std::vector{blob(1), blob(2)});
  CHECK(done(ended(first[0], outcome::here)) == std::vector{sync_plan::want_done{{1}, {}}});
  CHECK(sut.wants() == 0);
}

TEST_CASE_METHOD(fixture, "a want of nothing is done at once", "[core][sync_plan]") {
  CHECK(done(sut.want({1}, {}, now)).size() == 1);
  CHECK(sut.wants() == 0);
}

TEST_CASE_METHOD(fixture, "a blob that several want is fetched once", "[core][sync_plan]") {
  const auto first = started(sut.want({1}, wanted({blob(1), blob(1)}), now));
  REQUIRE(first.size() == 1);
  CHECK(first[0].blobs.size() == 1);
  CHECK(sut.want({2}, wanted({blob(1)}), now).empty());
  CHECK(done(ended(first[0], outcome::here)).size() == 2);
}

TEST_CASE_METHOD(fixture, "small blobs travel together, large ones alone", "[core][sync_plan]") {
  const auto fetches =
      started(sut.want({1}, wanted({blob(1, 60), blob(2, 30), blob(3, 5000), blob(4)}), now));
  REQUIRE(fetches.size() == 2);
  CHECK(fetches[0].blobs == std::vector{blob(1, 60), blob(2, 30)});
  CHECK(fetches[1].blobs == std::vector{blob(3, 5000)});
  const auto next = started(ended(fetches[0], outcome::here));
  REQUIRE(next.size() == 1);
  CHECK(next[0].blobs == std::vector{blob(4)});
}

TEST_CASE_METHOD(fixture, "a batch has a number of blobs at most", "[core][sync_plan]") {
  const auto fetches = started(
      sut.want({1}, wanted({blob(1, 1), blob(2, 1), blob(3, 1), blob(4, 1), blob(5, 1)}), now));
  REQUIRE(fetches.size() == 2);
  CHECK(fetches[0].blobs.size() == 4);
}

TEST_CASE_METHOD(fixture, "bytes are shared out among the holders", "[core][sync_plan]") {
  const auto fetches = started(
      sut.want({1}, wanted({blob(1, 900), blob(2, 100), blob(3, 100), blob(4, 100)}, {near}), now));
  REQUIRE(fetches.size() == 4);
  CHECK(fetches[0].holder == near);
  CHECK(fetches[1].holder == master);
  CHECK(fetches[2].holder == master);
  // The master may not be asked for more.
  CHECK(fetches[3].holder == near);
}

TEST_CASE_METHOD(fixture, "what one holder lacks another one is asked for", "[core][sync_plan]") {
  const auto what = GENERATE(outcome::absent, outcome::corrupt);
  const auto first = started(sut.want({1}, wanted({blob(1)}, {near}), now));
  REQUIRE(first[0].holder == near);
  const auto second = started(ended(first[0], what));
  REQUIRE(second.size() == 1);
  CHECK(second[0].holder == master);
  SECTION("and gives it") { CHECK_FALSE(done(ended(second[0], outcome::here)).at(0).failure); }
  SECTION("and when nobody has it, that is told") {
    const auto failed = done(ended(second[0], what));
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].failure.value().code
          == (what == outcome::absent ? errc::object_lost : errc::transfer_error));
    CHECK(failed[0].failure->message.find(to_string(blob(1).hash)) != std::string::npos);
    CHECK(sut.wants() == 0);
  }
}

TEST_CASE_METHOD(fixture, "a holder whose line broke is left alone for a while",
                 "[core][sync_plan]") {
  auto fetch = started(sut.want({1}, wanted({blob(1)}), now)).at(0);
  for (const auto pause : {200ms, 400ms, 800ms}) {
    CHECK(ended(fetch, outcome::untried, true).empty());
    CHECK(sut.next_wakeup(now) == now + pause);
    CHECK(sut.tick(now + pause - 1ms).empty());
    now += pause;
    const auto again = started(sut.tick(now));
    REQUIRE(again.size() == 1);
    fetch = again[0];
  }
  CHECK_FALSE(sut.next_wakeup(now));
  CHECK(done(ended(fetch, outcome::here)).size() == 1);
}

TEST_CASE_METHOD(fixture, "another holder is asked at once when a line broke",
                 "[core][sync_plan]") {
  const auto first = started(sut.want({1}, wanted({blob(1)}, {near}), now));
  const auto second = started(ended(first.at(0), outcome::untried, true));
  REQUIRE(second.size() == 1);
  CHECK(second[0].holder == master);
}

TEST_CASE_METHOD(fixture, "a blob whose transfer breaks for ever is given up",
                 "[core][sync_plan]") {
  auto actions = sut.want({1}, wanted({blob(1)}), now);
  int tries = 0;
  while (done(actions).empty()) {
    REQUIRE(++tries < 10);
    const auto fetch = started(actions).at(0);
    const auto next = ended(fetch, outcome::untried, true);
    now += 20s;
    actions = done(next).empty() ? sut.tick(now) : next;
  }
  CHECK(tries == 6);
  CHECK(done(actions)[0].failure.value().code == errc::transfer_error);
}

TEST_CASE_METHOD(fixture, "a node that breaks again and again counts as gone",
                 "[core][sync_plan]") {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const auto first = started(sut.want({i}, wanted({blob(i)}, {far}), now));
    REQUIRE(first.size() == 1);
    CHECK(first[0].holder == far);
    const auto second = started(ended(first[0], outcome::untried, true));
    REQUIRE(second.size() == 1);
    CHECK(done(ended(second[0], outcome::here)).size() == 1);
    now += 20s;
  }
  CHECK_FALSE(sut.next_wakeup(now));
}

TEST_CASE_METHOD(fixture, "what came before the line broke is not fetched again",
                 "[core][sync_plan]") {
  const auto fetch = started(sut.want({1}, wanted({blob(1), blob(2)}), now)).at(0);
  const std::vector outcomes{outcome::here, outcome::untried};
  CHECK(sut.fetch_ended(fetch.fetch, outcomes, true, now).empty());
  const auto again = started(sut.tick(now + 1s));
  REQUIRE(again.size() == 1);
  CHECK(again[0].blobs == std::vector{blob(2)});
}

TEST_CASE_METHOD(fixture, "a fetch that nobody wants any more is stopped", "[core][sync_plan]") {
  const auto fetch = started(sut.want({1}, wanted({blob(1)}), now)).at(0);
  sut.want({2}, wanted({blob(1)}), now);
  CHECK(sut.cancel({1}, now).empty());
  CHECK(sut.cancel({2}, now) == sync_plan::actions{sync_plan::stop_fetch{fetch.fetch}});
  sut.check_invariants();
  CHECK(ended(fetch, outcome::here).empty());
  CHECK(sut.cancel({2}, now).empty());
}

TEST_CASE_METHOD(fixture, "what nobody wants any more is not asked for", "[core][sync_plan]") {
  const auto fetches = started(sut.want({1}, wanted({blob(1, 100), blob(2, 100)}), now));
  REQUIRE(fetches.size() == 2);
  CHECK(sut.want({2}, wanted({blob(3), blob(4)}), now).empty());
  CHECK(sut.cancel({2}, now).empty());
  CHECK(started(ended(fetches[0], outcome::here)).empty());
}

TEST_CASE_METHOD(fixture, "a lost node's fetches go elsewhere", "[core][sync_plan]") {
  const auto first = started(sut.want({1}, wanted({blob(1)}, {near}), now)).at(0);
  REQUIRE(first.holder == near);
  const auto actions = sut.holder_lost(near, now);
  sut.check_invariants();
  CHECK(of_kind<sync_plan::stop_fetch>(actions).size() == 1);
  REQUIRE(started(actions).size() == 1);
  CHECK(started(actions)[0].holder == master);
}

TEST_CASE_METHOD(fixture, "a node that turns out to have a blob helps", "[core][sync_plan]") {
  const auto fetches =
      started(sut.want({1}, wanted({blob(1, 100), blob(2, 100), blob(3, 100)}), now));
  REQUIRE(fetches.size() == 2);
  const std::vector<digest> found{blob(3).hash, blob(77).hash, blob(1).hash};
  const auto more = started(sut.holder_found(near, found, now));
  sut.check_invariants();
  REQUIRE(more.size() == 1);
  CHECK(more[0].holder == near);
  CHECK(more[0].blobs == std::vector{blob(3, 100)});
}
