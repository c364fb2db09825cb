#include "maze/core/sync_plan.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

using outcome = sync_plan::outcome;

constexpr node_id master{1};

/// A made-up cluster around the plan: who really has what, and which fetches run.
class world {
public:
  explicit world(unsigned seed) : random_(seed) {
    for (std::uint64_t i = 0; i < 60; ++i) {
      const digest hash{.high = i, .low = i * 7};
      blobs_.push_back({.hash = hash, .size = roll(4) == 0 ? 1000 + roll(3000) : roll(50)});
      for (std::uint64_t node = 1; node <= 4; ++node)
        if (roll(3) != 0 || (node == 1 && roll(20) != 0))
          holds_[node_id{node}].insert(hash);
    }
  }

  void step() {
    now_ += std::chrono::milliseconds(roll(300));
    switch (roll(10)) {
    case 0:
    case 1:
      return want();
    case 2:
      return cancel();
    case 3:
      return lose();
    case 4:
      return perform(plan_.tick(now_));
    default:
      return end_fetch(true);
    }
  }

  /// With the faults off everything comes to an end.
  void finish() {
    for (int rounds = 0; plan_.wants() > 0; ++rounds) {
      REQUIRE(rounds < 10000);
      if (!running_.empty()) {
        end_fetch(false);
        continue;
      }
      const auto wakeup = plan_.next_wakeup(now_);
      REQUIRE(wakeup);
      now_ = std::max(now_, *wakeup);
      perform(plan_.tick(now_));
    }
    CHECK(running_.empty());
    CHECK(waiting_.empty());
  }

private:
  std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }

  void want() {
    std::vector<sync_plan::wanted_blob> list;
    std::set<digest> named;
    for (auto n = roll(20); n > 0; --n) {
      const auto& blob = blobs_[roll(blobs_.size())];
      if (here_.contains(blob.hash))
        continue;
      named.insert(blob.hash);
      list.push_back({.blob = blob, .holders = {}});
      for (std::uint64_t node = 2; node <= 4; ++node)
        if (roll(2) == 0)
          list.back().holders.push_back(node_id{node});
    }
    const want_id number{next_want_++};
    waiting_.emplace(number, std::move(named));
    perform(plan_.want(number, list, now_));
  }

  void cancel() {
    if (waiting_.empty())
      return;
    const auto at = std::next(waiting_.begin(), static_cast<long>(roll(waiting_.size())));
    const auto number = at->first;
    waiting_.erase(at);
    perform(plan_.cancel(number, now_));
  }

  void lose() {
    const node_id node{2 + roll(3)};
    if (roll(3) == 0)
      return perform(plan_.holder_lost(node, now_));
    const auto& all = holds_[node];
    perform(plan_.holder_found(node, std::vector<digest>(all.begin(), all.end()), now_));
  }

  void end_fetch(bool with_faults) {
    if (running_.empty())
      return;
    const auto at = std::next(running_.begin(), static_cast<long>(roll(running_.size())));
    const auto fetch = at->second;
    running_.erase(at);
    const bool broken = with_faults && roll(4) == 0;
    const auto broken_at = broken ? roll(fetch.blobs.size()) : fetch.blobs.size();
    std::vector<outcome> outcomes;
    for (std::size_t i = 0; i < fetch.blobs.size(); ++i) {
      const auto& hash = fetch.blobs[i].hash;
      if (i >= broken_at)
        outcomes.push_back(outcome::untried);
      else if (!holds_[fetch.holder].contains(hash))
        outcomes.push_back(outcome::absent);
      else if (with_faults && roll(30) == 0)
        outcomes.push_back(outcome::corrupt);
      else
        outcomes.push_back(outcome::here);
      if (outcomes.back() == outcome::here)
        here_.insert(hash);
    }
    perform(plan_.fetch_ended(fetch.fetch, outcomes, broken, now_));
  }

  void perform(const sync_plan::actions& actions) {
    plan_.check_invariants();
    for (const auto& action : actions)
      std::visit([this](const auto& x) { on(x); }, action);
  }

  void on(const sync_plan::start_fetch& x) {
    CHECK_FALSE(x.blobs.empty());
    std::uint64_t bytes = 0;
    for (const auto& blob : x.blobs) {
      CHECK_FALSE(here_.contains(blob.hash));
      for (const auto& [number, other] : running_)
        CHECK(std::find(other.blobs.begin(), other.blobs.end(), blob) == other.blobs.end());
      bytes += blob.size;
    }
    CHECK((x.blobs.size() == 1 || bytes <= 1000));
    CHECK(running_.emplace(x.fetch, x).second);
    CHECK(std::count_if(running_.begin(), running_.end(),
                        [&](const auto& other) { return other.second.holder == x.holder; })
          <= 2);
  }
  void on(const sync_plan::stop_fetch& x) { CHECK(running_.erase(x.fetch) == 1); }
  void on(const sync_plan::want_done& x) {
    const auto found = waiting_.find(x.want);
    REQUIRE(found != waiting_.end());
    const bool all_here = std::all_of(found->second.begin(), found->second.end(),
                                      [&](const digest& hash) { return here_.contains(hash); });
    CHECK((x.failure || all_here));
    waiting_.erase(found);
  }

  std::mt19937 random_;
  sync_plan plan_{{.batch_bytes = 1000, .batch_blobs = 6}, master};
  std::chrono::nanoseconds now_{0};
  std::vector<blob_id> blobs_;
  std::map<node_id, std::set<digest>> holds_;
  std::set<digest> here_;
  std::map<want_id, std::set<digest>> waiting_;
  std::map<fetch_id, sync_plan::start_fetch> running_;
  std::uint64_t next_want_ = 1;
};

} // namespace

TEST_CASE("no history unbalances the books of a sync plan", "[core][sync_plan_books]") {
  const auto seed = GENERATE(range(0U, 150U));
  INFO("seed = " << seed);
  world sut(seed);
  for (int i = 0; i < 200; ++i)
    sut.step();
  sut.finish();
}
