#include "maze/actors/local_node.hpp"

#include "maze/core/journal_event.hpp"
#include "maze/io/journal.hpp"
#include "support/local_cluster.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace maze;
using namespace maze::actors;

namespace {

struct node_fixture {
  test::scratch_dir folder;

  node_settings settings() {
    node_settings out;
    out.folder = folder / "state";
    out.total = {.cpu_millis = 2000, .memory = {std::uint64_t{1} << 30}};
    out.init_executable = MAZE_BIN_DIR "/maze-init";
    out.stop_grace = std::chrono::milliseconds(100);
    return out;
  }
  std::shared_ptr<io::log> log() { return io::log::open({.file = folder / "node.log"}).value(); }
  core::result<std::unique_ptr<local_node>> start() { return local_node::start(settings(), log()); }

  std::vector<core::journal_event> facts() {
    const auto journal = io::journal::open(settings().folder / "journal.sqlite").value();
    auto reader = journal.read_from(1).value();
    std::vector<core::journal_event> out;
    while (auto row = reader.next().value())
      out.push_back(core::decode_journal_event(row->body).value());
    return out;
  }
};

} // namespace

TEST_CASE_METHOD(node_fixture, "a node starts and stops with nothing to do",
                 "[actors][local_node]") {
  const auto node = start();
  REQUIRE(node);
  CHECK((*node)->folder() == settings().folder);
  struct stat info {};
  REQUIRE(::stat(settings().folder.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0711);
}

TEST_CASE_METHOD(node_fixture, "two nodes never share a folder", "[actors][local_node]") {
  const auto node = start();
  REQUIRE(node);
  const auto second = start();
  REQUIRE_FALSE(second);
  CHECK(second.error().code == core::errc::already_exists);
  CHECK(second.error().message.find(settings().folder.string()) != std::string::npos);
}

TEST_CASE_METHOD(node_fixture, "each start has an epoch of its own, kept before anything runs",
                 "[actors][local_node]") {
  for (int i = 0; i < 3; ++i)
    REQUIRE(start());
  std::vector<std::uint64_t> epochs;
  std::size_t joined = 0;
  for (const auto& fact : facts()) {
    if (const auto* started = std::get_if<core::master_started>(&fact))
      epochs.push_back(started->epoch);
    joined += std::holds_alternative<core::node_joined>(fact) ? 1 : 0;
  }
  CHECK(epochs == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(joined == 3);
}

TEST_CASE_METHOD(node_fixture, "a node whose state is thrown away keeps no journal",
                 "[actors][local_node]") {
  auto passing = settings();
  passing.durable = false;
  for (int i = 0; i < 2; ++i)
    REQUIRE(local_node::start(passing, log()));
  CHECK_FALSE(std::filesystem::exists(passing.folder / "journal.sqlite"));
}

TEST_CASE_METHOD(node_fixture, "a node without cores does not start", "[actors][local_node]") {
  auto bad = settings();
  bad.total.cpu_millis = 0;
  const auto node = local_node::start(bad, log());
  REQUIRE_FALSE(node);
  CHECK(node.error().code == core::errc::invalid_argument);
}

TEST_CASE_METHOD(node_fixture, "a node whose maze-init is missing names it",
                 "[actors][local_node]") {
  auto bad = settings();
  bad.init_executable = folder / "no-such-init";
  const auto node = local_node::start(bad, log());
  REQUIRE_FALSE(node);
  CHECK(node.error().message.find("no-such-init") != std::string::npos);
}

TEST_CASE_METHOD(node_fixture, "children of other users could not reach a private folder",
                 "[actors][local_node]") {
  auto bad = settings();
  bad.first_user = 100000;
  const auto node = local_node::start(bad, log());
  REQUIRE_FALSE(node);
  CHECK(node.error().code == core::errc::permission_denied);
  CHECK(node.error().message.find(folder.path().string()) != std::string::npos);
}

TEST_CASE_METHOD(node_fixture, "a node that drains stops what runs and starts nothing more",
                 "[actors][local_node]") {
  const auto fifo = folder / "started";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  test::local_cluster cluster(1);
  caf::scoped_actor self{cluster.node().system()};
  const auto give_up = [](const caf::error& failed) { FAIL(core::describe(from_caf(failed))); };
  const std::string script = "echo up > " + fifo.string() + "; sleep 600";
  run_handle run;
  self->request(cluster.node().master(), std::chrono::seconds(60),
                test::submit(test::work_of({test::shell("a", script), test::shell("b", script)})))
      .receive([&](const run_handle& accepted) { run = accepted; }, give_up);
  CHECK(test::local_cluster::read(fifo) == "up\n");
  CHECK(cluster.node().drain(std::chrono::seconds(30)));
  self->request(run.context, std::chrono::seconds(60), ask_report{})
      .receive(
          [](const run_report& report) {
            REQUIRE(report.not_completed.size() == 2);
            // Nobody cancelled them: another node may run them.
            for (const task_outcome& task : report.not_completed) {
              CHECK_FALSE(core::is_terminal(task.state));
              CHECK(task.state != core::task_state::running);
            }
          },
          give_up);
}
