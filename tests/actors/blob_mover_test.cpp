#include "maze/actors/blob_mover.hpp"

#include "support/actor_fixture.hpp"
#include "support/bulk_pair.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using outcome = core::sync_plan::outcome;

namespace {

struct mover_fixture : test::actor_fixture, test::bulk_pair {
  std::shared_ptr<std::vector<fetch_ended>> ended = std::make_shared<std::vector<fetch_ended>>();
  std::shared_ptr<std::vector<holder_answered>> answered =
      std::make_shared<std::vector<holder_answered>>();
  file_sync_actor owner = spawn([ended = ended, answered = answered](file_sync_actor::pointer) {
    return file_sync_actor::behavior_type{
        [](const ensure_blobs&) { return true; },
        [](const push_blobs&) { return true; },
        [](const fetch_document&) { return std::string(); },
        [](const know_holders&) {},
        [](ask_traffic) { return sync_traffic{}; },
        [](sync_tick) {},
        [=](const fetch_ended& msg) { ended->push_back(msg); },
        [=](const holder_answered& msg) { answered->push_back(msg); },
        [](const drop_blobs&) {},
    };
  });
  /// Of the connections that were made, the last one.
  io::byte_stream* last = nullptr;
  int connections = 0;
  bool reachable = true;
  blob_mover_actor sut =
      spawn(blob_mover,
            blob_mover_setup{.holder = core::node_id{3},
                             .connect = [this]() -> core::result<std::unique_ptr<io::byte_stream>> {
                               if (!reachable)
                                 return core::fail(core::errc::transfer_error, "nobody there");
                               ++connections;
                               auto out = connect();
                               last = out.get();
                               return out;
                             },
                             .blobs = here,
                             .owner = owner});

  static core::blob_id put(io::blob_store& store, const std::string& content) {
    REQUIRE(store.put_bytes(content));
    return id_of(content);
  }
  fetch_ended fetch(const std::vector<core::blob_id>& blobs) {
    tell(sut, fetch_blobs{core::fetch_id{5}, blobs, {}});
    REQUIRE_FALSE(ended->empty());
    return ended->back();
  }
};

} // namespace

TEST_CASE_METHOD(mover_fixture, "a mover brings what its holder has", "[actors][blob_mover]") {
  const auto first = put(*there, "first");
  const auto second = put(*there, "second");
  const auto missing = id_of("nowhere");
  const auto end = fetch({first, missing, second});
  CHECK(end.fetch == core::fetch_id{5});
  CHECK(end.holder == core::node_id{3});
  CHECK(end.outcomes == std::vector{outcome::here, outcome::absent, outcome::here});
  CHECK_FALSE(end.broken);
  CHECK(end.bytes == 11);
  CHECK(here->has(first.hash));
  tell(sut, ask_holder{{missing, second}});
  REQUIRE(answered->size() == 1);
  CHECK((*answered)[0].blobs == std::vector{second.hash});
  CHECK(connections == 1);
}

TEST_CASE_METHOD(mover_fixture, "a mover that reaches nobody says so", "[actors][blob_mover]") {
  const auto blob = put(*there, "content");
  reachable = false;
  const auto end = fetch({blob});
  CHECK(end.broken);
  CHECK(end.outcomes == std::vector{outcome::untried});
  CHECK(ask_failing<std::string>(sut, fetch_document{"run/1"}).code == core::errc::transfer_error);
  reachable = true;
  CHECK(fetch({blob}).outcomes == std::vector{outcome::here});
}

TEST_CASE_METHOD(mover_fixture, "a connection that died is made again", "[actors][blob_mover]") {
  const auto blob = put(*there, "content");
  const auto own = put(*here, "own");
  CHECK(ask<std::uint64_t>(sut, push_blobs{{own}}) == 3);
  CHECK(there->has(own.hash));
  last->shut_down();
  SECTION("at once for what is asked of it") {
    CHECK(ask<std::uint64_t>(sut, push_blobs{{own}}) == 0);
  }
  SECTION("for the next fetch, because others could be asked meanwhile") {
    CHECK(fetch({blob}).broken);
    CHECK(fetch({blob}).outcomes == std::vector{outcome::here});
  }
  CHECK(connections == 2);
}

TEST_CASE_METHOD(mover_fixture, "a mover brings documents", "[actors][blob_mover]") {
  server.documents().put("run/1", "all about it");
  CHECK(ask<std::string>(sut, fetch_document{"run/1"}) == "all about it");
  CHECK(ask_failing<std::string>(sut, fetch_document{"run/2"}).code == core::errc::not_found);
}
