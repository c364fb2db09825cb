#include "maze/actors/reclaimer.hpp"

#include "support/builders.hpp"
#include "support/fake_actors.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using namespace std::chrono_literals;

namespace {

struct reclaim_fixture : test::actor_fixture {
  test::scratch_dir folder;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  std::shared_ptr<io::log> log = io::log::open({.file = folder / "log"}).value();
  test::recording_context forgotten = test::spawn_context(*this);
  test::recording_context known = test::spawn_context(*this);
  test::recording_node_agent node = test::spawn_node_agent(*this);
  bool silent = false;
  needy_source source = spawn([this](needy_source::pointer self) {
    return needy_source::behavior_type{[this, self](list_needy) -> caf::result<needy> {
      auto reply = self->make_response_promise<needy>();
      if (!silent)
        reply.deliver(needy{{known.actor}, {node.actor}});
      return reply;
    }};
  });
  reclaimer_actor sut =
      spawn(reclaimer, reclaimer_setup{.blobs = blobs, .log = log, .plan = {.claim = 60s}});
  core::run_id run_id{7};

  core::digest put(const std::string& content) { return blobs->put_bytes(content).value().hash; }
  reclaim_runs request(bool everything = false) {
    return {{run_id}, {forgotten.actor}, everything, source};
  }
};

} // namespace

TEST_CASE_METHOD(reclaim_fixture, "what only a forgotten run needed goes, here and on every node",
                 "[actors][reclaimer]") {
  const auto own = put("own");
  const auto shared = put("shared");
  const auto other = put("other");
  forgotten->needs = {own, shared};
  known->needs = {shared, other};
  const auto freed = ask<reclaimed>(sut, request());
  CHECK(freed.blobs == 1);
  CHECK(freed.bytes == 3);
  CHECK(freed.later_blobs == 0);
  CHECK_FALSE(blobs->has(own));
  CHECK(blobs->has(shared));
  CHECK(blobs->has(other));
  REQUIRE(node->dropped.size() == 1);
  CHECK(node->dropped[0] == core::drop_data{.runs = {run_id}, .blobs = {own}});
  CHECK_FALSE(ask_failing<blob_list>(forgotten.actor, name_blobs{}).message.empty());

  // A node that used a blob when it heard the first time hears again.
  advance(60s);
  REQUIRE(node->dropped.size() == 2);
  CHECK(node->dropped[1] == core::drop_data{.runs = {}, .blobs = {own}});
  advance(600s);
  CHECK(node->dropped.size() == 2);
}

TEST_CASE_METHOD(reclaim_fixture, "what nobody has named goes when everything is looked at",
                 "[actors][reclaimer]") {
  const auto orphan = put("orphan");
  const auto needed = put("needed");
  known->needs = {needed};
  CHECK(ask<reclaimed>(sut, request(true)).blobs == 1);
  CHECK_FALSE(blobs->has(orphan));
  CHECK(blobs->has(needed));
}

TEST_CASE_METHOD(reclaim_fixture, "what was touched a moment ago goes later",
                 "[actors][reclaimer]") {
  blobs = nullptr;
  blobs = io::blob_store::open(folder / "claimed", {.durable = false, .claim_life = 20ms}).value();
  sut = spawn(reclaimer, reclaimer_setup{.blobs = blobs, .log = log, .plan = {.claim = 60s}});
  const auto own = put("own");
  forgotten->needs = {own};
  auto freed = ask<reclaimed>(sut, request());
  CHECK(freed.blobs == 0);
  CHECK(freed.later_blobs == 1);
  CHECK(freed.later_bytes == 3);
  // The store's own clock decides; asking whether the blob is there would claim it again.
  while (std::filesystem::exists(blobs->path_of(own)))
    advance(60s);
  CHECK(node->dropped.back().blobs == std::vector{own});
}

TEST_CASE_METHOD(reclaim_fixture, "a round in which somebody does not answer removes nothing",
                 "[actors][reclaimer]") {
  const auto own = put("own");
  forgotten->needs = {own};
  silent = true;
  const auto freed = ask_later<reclaimed>(sut, request());
  advance(31s);
  CHECK(freed.value().blobs == 0);
  CHECK(blobs->has(own));
  silent = false;
  advance(60s);
  CHECK_FALSE(blobs->has(own));
}

TEST_CASE_METHOD(reclaim_fixture, "what nobody waits for is freed when there is time",
                 "[actors][reclaimer]") {
  const auto own = put("own");
  forgotten->needs = {own};
  tell(sut, reclaim_later{request()});
  CHECK(blobs->has(own));
  advance(60s);
  CHECK_FALSE(blobs->has(own));
  CHECK(node->dropped.at(0).runs == std::vector{run_id});
}
