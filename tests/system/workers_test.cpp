// Runs on worker nodes: processes that share no folder with their master.

#include "support/cluster_folder.hpp"
#include "support/eventually.hpp"
#include "support/process.hpp"
#include "support/tree.hpp"
#include "support/watched_worker.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace maze;
using Catch::Contains;
using test::cluster_folder;
using test::count;
using test::disturb;
using test::points;
namespace fs = std::filesystem;

TEST_CASE_METHOD(cluster_folder, "a run on worker processes gives what a run on one node gives",
                 "[system][workers]") {
  chains(6);
  good({"run", "chains.yaml", "--out", "one", "--dir", "state"});
  const auto ended =
      good_json({"run", "chains.yaml", "--workers", "2", "--out", "two", "--dir", "state"});
  CHECK(ended["state"] == "completed");
  CHECK(test::read_tree(folder / "one") == test::read_tree(folder / "two"));
  CHECK(test::read_tree(folder / "one").size() == 60);
  CHECK(fs::is_empty(folder / "maze") == false);
  for (const auto& entry : fs::directory_iterator(folder / "maze"))
    CHECK(entry.path().filename() == "making");
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}

TEST_CASE_METHOD(cluster_folder, "a run of which a worker node is killed gives the same result",
                 "[system][workers][kill]") {
  const int seed = GENERATE(range(0, points("MAZE_KILL_POINTS", 4)));
  INFO("seed = " << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  chains(40);
  static const auto undisturbed = [&] {
    good({"run", "chains.yaml", "--out", "alone", "--dir", "state"});
    return test::read_tree(folder / "alone");
  }();
  const std::string phases[] = {"Sync", "Resolve", "Execute", "Push"};
  const std::string& phase = phases[seed % 4];
  test::process run(options({"run", "chains.yaml", "--workers", "2", "--cpus", "2", "--out", "home",
                             "--dir", "state", "--log-level", "debug", "--output", "json"}));
  const std::size_t wanted = 1 + random() % 60;
  const auto killed = disturb(run, folder / "state", phase, wanted, SIGKILL);
  const auto ended = run.wait();
  INFO(ended.standard_error);
  CHECK(killed.has_value());
  REQUIRE(ended.status == 0);
  CHECK(nlohmann::json::parse(ended.standard_output)["state"] == "completed");
  CHECK(test::read_tree(folder / "home") == undisturbed);
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}

TEST_CASE_METHOD(cluster_folder,
                 "a worker node that was silent past its lease changes nothing when it wakes",
                 "[system][workers][silence]") {
  const int seed = GENERATE(range(0, points("MAZE_SILENCE_POINTS", 4)));
  INFO("seed = " << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  chains(20);
  static const auto undisturbed = [&] {
    good({"run", "chains.yaml", "--out", "alone", "--dir", "state"});
    return test::read_tree(folder / "alone");
  }();
  const std::string phases[] = {"Sync", "Resolve", "Execute", "Push"};
  const std::string& phase = phases[seed % 4];
  test::process run(
      options({"run", "chains.yaml", "--workers", "2", "--cpus", "2", "--out", "home", "--dir",
               "state", "--log-level", "debug", "--output", "json", "--lease", "500ms"}));
  const std::size_t wanted = 1 + random() % 20;
  const auto stopped = disturb(run, folder / "state", phase, wanted, SIGSTOP);
  REQUIRE(stopped.has_value());
  const auto master = stopped->log.parent_path().parent_path().parent_path() / "node.log";
  while (count(master, "a node is not part of the cluster any more") == 0
         && !run.ends_within(std::chrono::milliseconds(5))) {
  }
  ::kill(stopped->pid, SIGCONT);
  const auto ended = run.wait();
  INFO(ended.standard_error);
  REQUIRE(ended.status == 0);
  CHECK(test::read_tree(folder / "home") == undisturbed);
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}

TEST_CASE_METHOD(cluster_folder, "tasks that take all cores let no lease end",
                 "[system][workers]") {
  std::string tasks = "tasks:\n";
  for (int i = 0; i < 64; ++i)
    tasks += "  t" + std::to_string(i)
             + ": { cpus: 0.01, shell: \"end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; "
               "do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done\" }\n";
  workflow("spin", tasks);
  const auto ended = good_json({"run", "spin.yaml", "--workers", "2", "--cpus", "2", "--dir",
                                "state", "--lease", "1s", "--keep"});
  CHECK(ended["state"] == "completed");
  for (const auto& node : fs::directory_iterator(folder / "state" / "private"))
    if (fs::exists(node.path() / "node.log")) {
      CHECK(count(node.path() / "node.log", "a node joined") == 2);
      CHECK(count(node.path() / "node.log", "the connection to a node broke") == 0);
      CHECK(count(node.path() / "node.log", "silent") == 0);
    }
}

TEST_CASE_METHOD(cluster_folder, "a lasting cluster gains and loses worker nodes",
                 "[system][workers]") {
  start_master();
  const pid_t first = start_worker("w1");
  start_worker("w2");
  chains(5);
  good({"submit", "chains.yaml", "--wait", "--out", "home"});
  CHECK(test::read_tree(folder / "home").size() == 50);
  CHECK_THAT(good({"logs", "last", "c0-0"}), Contains(""));
  CHECK(good_json({"nodes"})["nodes"].size() == 2);

  SECTION("one that is asked to end leaves at once") {
    ::kill(first, SIGTERM);
    REQUIRE(test::wait_until_gone(first));
    CHECK(good_json({"nodes"})["nodes"].size() == 1);
  }
  SECTION("one that is killed comes back under its name") {
    ::kill(first, SIGKILL);
    REQUIRE(test::wait_until_gone(first));
    start_worker("w1");
    CHECK(good_json({"nodes"})["nodes"].size() == 2);
  }
  SECTION("a name that is taken, here or by the master, is refused") {
    const auto taken = node({"start", "--role", "worker", "--name", "w1", "--dir",
                             (folder / "elsewhere" / "w1").string()});
    CHECK(taken.status == 3);
    CHECK_THAT(taken.standard_error, Contains("belongs to a maze-node that is running"));
    const auto own = node({"start", "--role", "worker", "--name", "lab"});
    CHECK(own.status == 3);
    CHECK_THAT(own.standard_error, Contains("the name of the cluster's own node"));
  }
  SECTION("one that is drained takes no new tasks") {
    good({"drain", "w1"});
    good({"submit", "chains.yaml", "--wait", "--out", "again"});
    const auto nodes = good_json({"nodes"})["nodes"];
    CHECK(std::count_if(
              nodes.begin(), nodes.end(),
              [](const auto& one) { return one["name"] == "w1" && one["state"] == "draining"; })
          == 1);
  }
  SECTION("where all are drained, tasks wait for another one") {
    good({"drain", "w1"});
    good({"drain", "w2"});
    test::process run(options({"submit", "chains.yaml", "--wait", "--out", "again"}));
    while (good_json({"runs"})["runs"].size() < 2) {
    }
    for (const auto& task : good_json({"tasks", "last"})["tasks"]) {
      CHECK(task["node"].is_null());
      CHECK(task["state"] != "assigned");
    }
    start_worker("w3");
    CHECK(run.wait().status == 0);
    for (const auto& task : good_json({"tasks", "last"})["tasks"])
      CHECK(task["node"] == "w3");
  }
  SECTION("all end with the cluster") {
    good({"stop"});
    CHECK(test::wait_until_gone(first));
  }
}

TEST_CASE_METHOD(cluster_folder, "what a forgotten run left goes from worker nodes, too",
                 "[system][workers]") {
  start_master({"--reclaim-after", "1s"});
  start_worker("w1", {"--reclaim-after", "1s"});
  const auto kept = [this](const char* below) {
    std::size_t count = 0;
    // The walk ends early where a folder goes meanwhile.
    std::error_code gone;
    for (fs::recursive_directory_iterator each(folder / below, gone), end; !gone && each != end;
         each.increment(gone))
      count += each->path().parent_path().parent_path().filename() == "blobs" ? 1 : 0;
    return gone ? std::size_t{1} << 32 : count;
  };
  chains(2);
  good({"submit", "chains.yaml", "--wait", "--out", "one"});
  CHECK(kept("master") == 32);
  CHECK(kept("elsewhere") == 32);
  CHECK(good_json({"forget", "last"})["forgotten"].size() == 1);
  CHECK(test::eventually([&] { return kept("master") == 0 && kept("elsewhere") == 0; }));
  good({"submit", "chains.yaml", "--wait", "--out", "two"});
  CHECK(test::read_tree(folder / "one") == test::read_tree(folder / "two"));
}

TEST_CASE_METHOD(cluster_folder, "what a task prints on a worker node is read from everywhere",
                 "[system][workers]") {
  start_master();
  start_worker("w1");
  workflow("talk", "tasks: { a: { shell: \"echo hello; echo oops >&2\" } }\n");
  good({"submit", "talk.yaml", "--wait"});
  CHECK(good({"logs", "last", "a"}) == "hello\n");
  CHECK(good({"logs", "last", "a", "--stderr"}) == "oops\n");
}

TEST_CASE_METHOD(cluster_folder, "a secret that a task prints on a worker node is hidden there",
                 "[system][workers]") {
  workflow("secret", "context: { key: { secret: env:TEST_SECRET } }\ntasks:\n"
                     "  a: { params: { key: string }, shell: \"echo got $MAZE_INPUT_key\" }\n"
                     "  b: { params: { key: string }, shell: \"echo bad $MAZE_INPUT_key >&2; exit "
                     "3\" }\nresult: a.output.run.stdout\n");
  auto how = options(
      {"run", "secret.yaml", "--workers", "1", "--dir", "state", "--keep", "--output", "json"});
  how.environment["TEST_SECRET"] = "tulip-4711";
  const auto ended = test::run(how);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.standard_output, !Contains("tulip-4711") && Contains("[secret]"));
  CHECK_THAT(ended.standard_error, !Contains("tulip-4711"));
  for (const auto& [path, content] : test::read_tree(folder / "state")) {
    INFO(path);
    CHECK(content.find("tulip-4711") == std::string::npos);
  }
}

TEST_CASE_METHOD(cluster_folder, "output that was cut on a worker node is told",
                 "[system][workers]") {
  workflow("loud", "tasks: { a: { shell: \"seq 1 100000\" } }\n");
  const auto ended = good_json({"run", "loud.yaml", "--workers", "1", "--dir", "state"});
  REQUIRE(ended["truncated"].size() == 1);
  CHECK(ended["truncated"][0]["total"] == 588895);
}

TEST_CASE_METHOD(cluster_folder, "of two nodes that want one name the second is refused",
                 "[system][workers]") {
  start_master();
  start_worker("w1");
  const auto second = node({"start", "--role", "worker", "--name", "w1", "--dir",
                            (folder / "third").string(), "--lease", "500ms"});
  CHECK(second.status == 3);
  CHECK_THAT(second.standard_error, Contains("a node named 'w1' is connected already"));
  CHECK(good_json({"nodes"})["nodes"].size() == 1);
}

TEST_CASE_METHOD(cluster_folder, "who stops watching a run is told that it goes on",
                 "[system][workers]") {
  start_master();
  start_worker("w1");
  workflow("long", "tasks: { a: { shell: \"sleep 60\" }, b: { command: [echo, hi] } }\n"
                   "result: b.output.run.stdout\n");
  test::process watched(options({"submit", "long.yaml", "--wait"}));
  while (good_json({"runs"})["runs"].empty()) {
  }
  const std::string run = good_json({"runs"})["runs"][0]["run"];
  while (good_json({"tasks", run})["tasks"][1]["state"] != "completed") {
  }
  const auto so_far = node({"result", run});
  CHECK(so_far.status == 0);
  CHECK(so_far.standard_output == "hi\n");
  CHECK_THAT(so_far.standard_error, Contains("still goes on"));
  CHECK(good_json({"result", run})["failed"].empty());
  watched.signal(SIGINT);
  const auto ended = watched.wait();
  CHECK(ended.status == 130);
  CHECK_THAT(ended.standard_error, Contains("run " + run + " goes on"));
  CHECK(good_json({"runs"})["runs"][0]["state"] == "running");
  good({"cancel", run});
}

TEST_CASE_METHOD(cluster_folder, "where files shall go is only asked for by who waits for them",
                 "[system][workers]") {
  start_master();
  workflow("short", "tasks: { a: { shell: \"true\" } }\n");
  const auto refused = node({"submit", "short.yaml", "--out", "home"});
  CHECK(refused.status == 2);
  CHECK_THAT(refused.standard_error, Contains("--wait") && Contains("files RUN --out DIR"));
}

TEST_CASE_METHOD(cluster_folder, "files that contradict each other fail a run that is waited for",
                 "[system][workers]") {
  start_master();
  start_worker("w1");
  workflow("both", "tasks:\n  a: { shell: \"echo 1 > x\" }\n  b: { shell: \"echo 2 > x\" }\n");
  const auto ended = node({"submit", "both.yaml", "--wait"});
  CHECK(ended.status == 1);
  CHECK_THAT(ended.standard_error, Contains("file_conflict"));
}
