#include "support/agent_fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <utility>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;

namespace {

/// An agent whose run has two files, a library and an archive, and a file sync that answers when told.
struct fetch_fixture : test::actor_fixture {
  struct sync_book {
    std::vector<ensure_blobs> asked;
    std::vector<caf::typed_response_promise<bool>> replies;
  };

  fetch_fixture() {
    auto tasks = test::diamond();
    tasks.at(1).action = core::function_action{"text", "count"};
    tasks.at(1).child = core::child_use::warm;
    tasks.at(3).action = core::python_action{core::python_source::code, "def f(): pass", ""};
    tasks.at(3).child = core::child_use::warm;
    tasks.at(2).sandbox = {.level = core::sandbox_level::container, .image = "base.tar"};
    run_bundle bundle{.run = run_of_all, .name = "work", .tasks = test::graph_of(std::move(tasks))};
    bundle.archives["base.tar"] = {{1, 4}, 5000};
    bundle.files["a.txt"] = {.hash = {1, 1}, .size = 100};
    bundle.files["b.txt"] = {.hash = {1, 2}, .size = 20};
    bundle.libraries["text"] = {{1, 3}, 3000};
    registry->bundles[run_of_all] = std::make_shared<const run_bundle>(std::move(bundle));
  }

  void offer(std::uint64_t counter, core::task_id task = core::task_id{0}) {
    run_attempts msg;
    msg.orders.push_back({{.run = run_of_all,
                           .task = task,
                           .attempt = test::attempt(counter),
                           .needs = {.cpu_millis = 1000, .memory = {}, .gpus = 0}},
                          context.actor});
    tell(sut, std::move(msg));
  }
  /// All that was asked for is here.
  void answer() { tell(files, sync_tick{}); }
  std::vector<std::string> warnings() const {
    log->flush();
    std::ifstream file(folder / "log");
    std::vector<std::string> out;
    for (std::string line; std::getline(file, line);)
      if (line.find("long on their way") != std::string::npos)
        out.push_back(line);
    return out;
  }

  core::run_id run_of_all{7};
  test::scratch_dir folder;
  std::shared_ptr<io::log> log = io::log::open({.file = folder / "log"}).value();
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::memory_registry registry = test::spawn_registry(*this);
  test::recording_context context = test::spawn_context(*this);
  std::shared_ptr<sync_book> sync = std::make_shared<sync_book>();
  file_sync_actor files = spawn([book = sync](file_sync_actor::pointer self) {
    return file_sync_actor::behavior_type{
        [book, self](const ensure_blobs& msg) -> caf::result<bool> {
          book->asked.push_back(msg);
          book->replies.push_back(self->make_response_promise<bool>());
          return book->replies.back();
        },
        [](push_blobs&) { return true; },
        [](const fetch_document&) { return std::string(); },
        [](const know_holders&) {},
        [](ask_traffic) { return sync_traffic{.received = 7000, .sent = 42}; },
        [book](sync_tick) {
          for (auto& reply : std::exchange(book->replies, {}))
            reply.deliver(true);
        },
        [](const fetch_ended&) {},
        [](const holder_answered&) {},
        [](const drop_blobs&) {},
    };
  });
  std::shared_ptr<std::vector<test::recording_worker>> workers =
      std::make_shared<std::vector<test::recording_worker>>();
  local_agent_actor sut =
      spawn(node_agent,
            node_agent_setup{
                .slots = {.total = {.cpu_millis = 2000, .memory = {}, .gpus = 0}, .waiting_max = 2},
                .scheduler = scheduler.actor,
                .registry = registry.actor,
                .spawn_worker =
                    [this](core::slot_id, const local_agent_actor&) {
                      workers->push_back(test::spawn_worker(*this));
                      return workers->back().actor;
                    },
                .blobs = io::blob_store::open(folder / "store", {.durable = false}).value(),
                .files = files,
                .runs_root = folder / "runs",
                .log = log});
};

} // namespace

TEST_CASE_METHOD(fetch_fixture, "an attempt begins once the run's files are here",
                 "[actors][node_agent]") {
  offer(1);
  REQUIRE(sync->asked.size() == 1);
  CHECK(sync->asked[0].blobs == std::vector<core::blob_id>{{{1, 1}, 100}, {{1, 2}, 20}});
  CHECK(workers->empty());
  answer();
  REQUIRE(workers->size() == 1);
  // The next one needs nothing that is not here.
  offer(2);
  CHECK(sync->asked.size() == 1);
  CHECK(workers->size() == 2);
}

TEST_CASE_METHOD(fetch_fixture, "a library comes to a node with the first task that calls it",
                 "[actors][node_agent]") {
  offer(1);
  answer();
  offer(2, core::task_id{1});
  REQUIRE(sync->asked.size() == 2);
  CHECK(sync->asked[1].blobs == std::vector<core::blob_id>{{{1, 3}, 3000}});
  CHECK(workers->size() == 1);
  answer();
  CHECK(workers->size() == 2);
  offer(3, core::task_id{1});
  CHECK(sync->asked.size() == 2);
}

TEST_CASE_METHOD(fetch_fixture, "a kept child of Python's brings no library, and stands for none",
                 "[actors][node_agent]") {
  offer(1, core::task_id{3});
  answer();
  REQUIRE(workers->size() == 1);
  offer(2, core::task_id{1});
  REQUIRE(sync->asked.size() == 2);
  CHECK(sync->asked[1].blobs == std::vector<core::blob_id>{{{1, 3}, 3000}});
}

TEST_CASE_METHOD(fetch_fixture, "what is long on its way is told, and told again",
                 "[actors][node_agent]") {
  offer(1);
  advance(std::chrono::seconds(9));
  offer(2);
  CHECK(warnings().empty());
  advance(std::chrono::seconds(1));
  REQUIRE(warnings().size() == 1);
  CHECK_THAT(warnings()[0], Contains("attempt=1.1") && Contains("blobs=2") && Contains("bytes=120")
                                && Contains("seconds=10.0") && Contains("attempts_that_wait=1"));
  advance(std::chrono::seconds(10));
  REQUIRE(warnings().size() == 2);
  CHECK_THAT(warnings()[1], Contains("seconds=20.0") && Contains("attempts_that_wait=2"));
  answer();
  advance(std::chrono::seconds(30));
  CHECK(warnings().size() == 2);
}

TEST_CASE_METHOD(fetch_fixture, "how busy a node is comes with what it has moved",
                 "[actors][node_agent]") {
  const auto told = ask<node_load>(sut, ask_load{});
  CHECK(told.received == 7000);
  CHECK(told.sent == 42);
  CHECK(told.free.cpu_millis == 2000);
}

TEST_CASE_METHOD(fetch_fixture, "the archive of an image comes with the first task that needs it",
                 "[actors][node_agent]") {
  const core::blob_id archive{{1, 4}, 5000};
  offer(1);
  answer();
  offer(2, core::task_id{2});
  REQUIRE(sync->asked.size() == 2);
  CHECK(sync->asked[1].blobs == std::vector<core::blob_id>{archive});
  answer();
  offer(3, core::task_id{2});
  CHECK(sync->asked.size() == 2);
}
