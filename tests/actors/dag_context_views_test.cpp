#include "maze/core/run_name.hpp"
#include "support/session_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using namespace std::chrono_literals;

namespace {

struct views_fixture : test::session_fixture {
  dag_context_actor run_of(const core::submission_form& what) {
    const auto run = submit(what);
    return ask<known_run>(master, select_run{core::to_string(run)}).context;
  }
};

} // namespace

TEST_CASE_METHOD(views_fixture, "earlier attempts are found where they were", "[actors][run]") {
  auto twice = form();
  twice.tasks[0].retries = 1;
  const auto run = run_of(twice);
  CHECK(ask<attempt_place>(run, find_attempt{"a", 0}).number == 1);
  lose(0, {.code = core::errc::timeout_wall, .message = "too slow"});
  advance(1h);
  REQUIRE(scheduler->offers.size() == 2);
  const auto first = ask<attempt_place>(run, find_attempt{"a", 1});
  CHECK(first.ended);
  CHECK(first.node == core::node_id{1});
  const auto second = ask<attempt_place>(run, find_attempt{"a", 0});
  CHECK(second.number == 2);
  CHECK(second.node == core::node_id{});
  CHECK_FALSE(second.ended);
  publish(1, "x");
  CHECK_FALSE(ask<attempt_place>(run, find_attempt{"a", 2}).output.empty());
  CHECK(ask<attempt_place>(run, find_attempt{"a", 1}).output.empty());
  const auto row = ask<task_page>(run, list_tasks{}).rows.at(0);
  REQUIRE(row.earlier.size() == 1);
  CHECK(row.earlier[0].number == 1);
  CHECK(row.earlier[0].node == core::node_id{1});
  CHECK(row.earlier[0].reason == core::errc::timeout_wall);
  CHECK(ask_failing<attempt_place>(run, find_attempt{"a", 3}).code == core::errc::not_found);
  CHECK(ask_failing<attempt_place>(run, find_attempt{"b", 0}).code == core::errc::not_found);
}

TEST_CASE_METHOD(views_fixture, "news comes in bounded pieces, each once", "[actors][run]") {
  auto wide = form();
  for (std::size_t i = 0; i < 2 * news_max; ++i)
    wide.tasks.push_back(test::shell("t" + std::to_string(i), "true", {"a"}));
  const auto run = run_of(wide);
  lose(0, {.code = core::errc::exit_nonzero, .message = "it broke"});
  std::size_t heard = 0;
  run_news last;
  do {
    last = ask<run_news>(run, await_news{last.next, 5s});
    CHECK(last.not_completed.size() <= news_max);
    heard += last.not_completed.size();
  } while (!last.ended);
  CHECK(heard == 2 * news_max + 1);
}

TEST_CASE_METHOD(views_fixture, "a run names the blobs it began with and those it published",
                 "[actors][run]") {
  auto what = form();
  const auto given = blobs->put_bytes("given").value();
  what.files["in.txt"] = {.hash = given.hash, .size = given.size};
  what.base = io::hash_bytes(core::encode_manifest(what.files));
  const auto library = blobs->put_bytes("machine code").value();
  what.libraries["text"] = {library.hash, library.size};
  const auto archive = blobs->put_bytes("files").value();
  what.archives["base.tar"] = {archive.hash, archive.size};
  const auto run = run_of(what);
  place(0);
  core::manifest_delta files;
  files.written["out.txt"] = {.hash = {1, 2}, .size = 3};
  files.written["folder"] = {.kind = core::file_kind::directory};
  tell(run, publish_attempt{scheduler->attempt_of(0), test::output_of("x"), files});
  const auto all = ask<blob_list>(run, name_blobs{});
  const core::digest_set named(all->begin(), all->end());
  CHECK(named.size() == 4);
  CHECK(named.count(archive.hash) == 1);
  CHECK(named.count(given.hash) == 1);
  CHECK(named.count(library.hash) == 1);
  CHECK(named.count(core::digest{1, 2}) == 1);
  const auto some = ask<blob_list>(
      run, name_blobs{std::make_shared<const core::digest_set>(core::digest_set{given.hash})});
  CHECK(*some == std::vector{given.hash});
}
