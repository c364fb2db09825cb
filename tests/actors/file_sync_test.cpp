#include "maze/actors/file_sync.hpp"

#include "maze/io/hash.hpp"
#include "support/actor_fixture.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using outcome = core::sync_plan::outcome;

namespace {

/// What the movers of a node were told, all together.
struct mover_book {
  std::string endpoint;
  std::vector<fetch_blobs> fetches;
  std::vector<ask_holder> questions;
  std::vector<push_blobs> pushes;
};

struct sync_fixture : test::actor_fixture {
  test::scratch_dir folder;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  std::shared_ptr<std::map<core::node_id, mover_book>> books =
      std::make_shared<std::map<core::node_id, mover_book>>();
  bool master_takes = true;
  file_sync_actor sut =
      spawn(file_sync, file_sync_setup{.blobs = blobs,
                                       .spawn_mover =
                                           [this](core::node_id holder, const std::string& endpoint,
                                                  const file_sync_actor&) {
                                             (*books)[holder].endpoint = endpoint;
                                             return spawn_mover(holder);
                                           },
                                       .master = "master",
                                       .log = nullptr,
                                       .limits = {}});

  blob_mover_actor spawn_mover(core::node_id holder) {
    return spawn([this, books = books, holder](blob_mover_actor::pointer) {
      return blob_mover_actor::behavior_type{
          [books, holder](const fetch_blobs& msg) { (*books)[holder].fetches.push_back(msg); },
          [books, holder](const ask_holder& msg) { (*books)[holder].questions.push_back(msg); },
          [this, books, holder](const push_blobs& msg) -> caf::result<std::uint64_t> {
            (*books)[holder].pushes.push_back(msg);
            if (!master_takes)
              return to_caf({.code = core::errc::transfer_error, .message = "no"});
            return 42;
          },
          [](const fetch_document& msg) { return "document " + msg.name; },
      };
    });
  }
  mover_book& of(std::uint64_t holder) { return (*books)[core::node_id{holder}]; }
  /// The latest fetch of a holder ends.
  void end(std::uint64_t holder, outcome how, bool broken = false) {
    const fetch_blobs what = of(holder).fetches.back();
    tell(sut, fetch_ended{what.fetch, core::node_id{holder},
                          std::vector<outcome>(what.blobs.size(), how), broken,
                          how == outcome::here ? 10U : 0U});
  }
  test::answer<bool> want(const std::vector<core::blob_id>& what) {
    return ask_later<bool>(sut, ensure_blobs{what});
  }

  core::blob_id small{.hash = io::hash_bytes("small"), .size = 5};
  core::blob_id large{.hash = io::hash_bytes("large"), .size = std::uint64_t{2} << 20};
};

} // namespace

TEST_CASE_METHOD(sync_fixture, "what is here is not fetched", "[actors][file_sync]") {
  const auto blob = blobs->put_bytes("here").value();
  CHECK(want({{.hash = blob.hash, .size = blob.size}}).value());
  CHECK(want({}).value());
  CHECK(books->empty());
}

TEST_CASE_METHOD(sync_fixture, "what is missing comes from the master, once for all who want it",
                 "[actors][file_sync]") {
  const auto first = want({small});
  const auto second = want({small});
  REQUIRE(of(0).fetches.size() == 1);
  CHECK(of(0).endpoint == "master");
  CHECK(first.pending());
  end(0, outcome::here);
  CHECK(first.value());
  CHECK(second.value());
  CHECK(ask<sync_traffic>(sut, ask_traffic{}).received_from_master == 10);
}

TEST_CASE_METHOD(sync_fixture, "what one holder cannot give is fetched from another one",
                 "[actors][file_sync]") {
  tell(sut, know_holders{{{core::node_id{2}, "unix:/two"}}});
  const auto wanted = want({large});
  REQUIRE(of(0).fetches.size() == 1);
  REQUIRE(of(2).questions.size() == 1);
  CHECK(of(2).endpoint == "unix:/two");
  tell(sut, holder_answered{core::node_id{2}, {large.hash}});
  end(0, outcome::untried, true);
  REQUIRE(of(2).fetches.size() == 1);
  end(2, outcome::here);
  CHECK(wanted.value());
  const auto moved = ask<sync_traffic>(sut, ask_traffic{});
  CHECK(moved.received == 10);
  CHECK(moved.received_from_master == 0);
}

TEST_CASE_METHOD(sync_fixture, "a broken transfer is tried again after a while",
                 "[actors][file_sync]") {
  const auto wanted = want({small});
  end(0, outcome::untried, true);
  CHECK(of(0).fetches.size() == 1);
  advance(std::chrono::milliseconds(200));
  REQUIRE(of(0).fetches.size() == 2);
  end(0, outcome::here);
  CHECK(wanted.value());
}

TEST_CASE_METHOD(sync_fixture, "what nobody has is lost", "[actors][file_sync]") {
  const auto wanted = want({small});
  end(0, outcome::absent);
  CHECK(wanted.failed().code == core::errc::object_lost);
}

TEST_CASE_METHOD(sync_fixture, "only nodes that serve blobs are asked", "[actors][file_sync]") {
  tell(sut, know_holders{{{core::node_id{2}, ""}, {core::node_id{3}, "unix:/three"}}});
  const auto first = want({large});
  CHECK(books->count(core::node_id{2}) == 0);
  CHECK(of(3).questions.size() == 1);
  // It moves, then serves no more.
  tell(sut, know_holders{{{core::node_id{3}, "unix:/elsewhere"}}});
  const auto second = want({{.hash = io::hash_bytes("other"), .size = large.size}});
  CHECK(of(3).endpoint == "unix:/elsewhere");
  CHECK(of(3).questions.size() == 2);
  tell(sut, know_holders{{{core::node_id{3}, ""}}});
  const auto third = want({{.hash = io::hash_bytes("third"), .size = large.size}});
  CHECK(of(3).questions.size() == 2);
}

TEST_CASE_METHOD(sync_fixture, "what a holder that is gone was giving comes from the master",
                 "[actors][file_sync]") {
  tell(sut, know_holders{{{core::node_id{2}, "unix:/two"}}});
  const auto wanted = want({large});
  tell(sut, holder_answered{core::node_id{2}, {large.hash}});
  end(0, outcome::untried, true);
  REQUIRE(of(2).fetches.size() == 1);
  tell(sut, know_holders{{{core::node_id{2}, ""}}});
  CHECK(of(2).fetches[0].stop.stop_requested());
  advance(std::chrono::milliseconds(200));
  REQUIRE(of(0).fetches.size() == 2);
  end(2, outcome::here);
  CHECK(wanted.pending());
  end(0, outcome::here);
  CHECK(wanted.value());
}

TEST_CASE_METHOD(sync_fixture, "pushes and documents go through the master's connection",
                 "[actors][file_sync]") {
  CHECK(ask<bool>(sut, push_blobs{{small}}));
  CHECK(ask<sync_traffic>(sut, ask_traffic{}).sent == 42);
  CHECK(ask<std::string>(sut, fetch_document{"run/1"}) == "document run/1");
  master_takes = false;
  CHECK(ask_failing<bool>(sut, push_blobs{{small}}).code == core::errc::transfer_error);
}

TEST_CASE_METHOD(sync_fixture, "a blob that no run needs goes, and is fetched when one does again",
                 "[actors][file_sync]") {
  const auto goes = blobs->put_bytes("goes").value();
  const auto stays = blobs->put_bytes("stays").value();
  tell(sut, drop_blobs{{goes.hash}});
  CHECK_FALSE(blobs->has(goes.hash));
  CHECK(blobs->has(stays.hash));
  const auto wanted = want({{.hash = goes.hash, .size = goes.size}});
  CHECK(wanted.pending());
  CHECK(of(0).fetches.size() == 1);
}
