// Runs on worker nodes: processes that share no folder with their master.

#include "support/process.hpp"
#include "support/scratch_dir.hpp"
#include "support/sockets.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

using namespace maze;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

struct fixture {
  test::scratch_dir folder;
  std::string mark = folder.path().filename().string();

  ~fixture() { node({"stop", "--cluster", "lab"}); }

  test::process::options options(std::vector<std::string> words) {
    words.insert(words.begin(), MAZE_BIN_DIR "/maze-node");
    return {.argv = std::move(words),
            .working_directory = folder.path(),
            .environment = {{"XDG_RUNTIME_DIR", folder.path().string()},
                            {"HOME", folder.path().string()},
                            {"XDG_CONFIG_HOME", folder.path().string()},
                            {"MAZE_TASK_USER", "same"}}};
  }
  test::process_result node(std::vector<std::string> words) {
    return test::run(options(std::move(words)));
  }
  std::string good(std::vector<std::string> words) {
    const auto ended = node(std::move(words));
    INFO(ended.standard_error);
    REQUIRE(ended.status == 0);
    return ended.standard_output;
  }
  nlohmann::json good_json(std::vector<std::string> words) {
    words.insert(words.end(), {"--output", "json"});
    return nlohmann::json::parse(good(std::move(words)));
  }
  pid_t start_master(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"start",  "--detach", "--name", "lab",
                                   "--role", "master",   "--dir",  (folder / "master").string()};
    words.insert(words.end(), more.begin(), more.end());
    return good_json(std::move(words))["pid"].get<pid_t>();
  }
  pid_t start_worker(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words{
        "start",  "--detach", "--role", "worker",
        "--name", name,       "--dir",  (folder / "elsewhere" / name).string()};
    words.insert(words.end(), more.begin(), more.end());
    return good_json(std::move(words))["pid"].get<pid_t>();
  }
  void workflow(const std::string& name, const std::string& tasks) {
    std::ofstream(folder / (name + ".yaml"))
        << "maze: 1\nname: " << name
        << "\ndefaults: { output: { run: dict }, env: { MAZE_TEST_MARK: " << mark << " } }\n"
        << tasks;
  }
  /// Five chains of tasks that read what was submitted and what the task before them published.
  void chains(int length) {
    fs::create_directories(folder / "data");
    for (int i = 0; i < 20; ++i)
      std::ofstream(folder / "data" / std::to_string(i)) << "input " << i << '\n';
    std::string tasks = "files: [data]\ntasks:\n";
    for (int chain = 0; chain < 5; ++chain)
      for (int i = 0; i < length; ++i) {
        const auto name = [&](int at) {
          return "c" + std::to_string(chain) + "-" + std::to_string(at);
        };
        const std::string before = i == 0 ? "data/3" : name(i - 1) + ".txt";
        tasks +=
            "  " + name(i) + ": { " + (i == 0 ? std::string() : "after: [" + name(i - 1) + "], ")
            + "cpus: 0.5, shell: \"cat " + before + " data/" + std::to_string((chain * 7 + i) % 20)
            + " | sha256sum > " + name(i) + ".txt; head -c 20000 /dev/zero | tr '\\\\0' "
            + std::to_string(i % 10) + " > " + name(i) + ".bin\" }\n";
      }
    workflow("chains", tasks);
  }
};

/// The process ids of the worker nodes that `parent` started, with their logs.
std::vector<std::pair<pid_t, fs::path>> workers_of(pid_t parent, const fs::path& state) {
  std::vector<std::pair<pid_t, fs::path>> out;
  std::error_code ignored;
  for (const pid_t pid : test::children_of(parent, "maze-node")) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
    const std::string words{std::istreambuf_iterator<char>(file), {}};
    for (const auto& node : fs::directory_iterator(state / "private", ignored))
      for (const auto& worker : fs::directory_iterator(node.path() / "nodes", ignored))
        if (words.find(worker.path().filename().string()) != std::string::npos)
          out.emplace_back(pid, worker.path() / "node.log");
  }
  return out;
}

/// How many points of a campaign to try: a few each time, all of them with `tools/test --all`.
int points(const char* variable, int usual) {
  const char* text = std::getenv(variable);
  return text == nullptr ? usual : std::atoi(text);
}

std::size_t count(const fs::path& file, const std::string& text) {
  const std::string content = test::read_file(file);
  std::size_t out = 0;
  for (auto at = content.find(text); at != std::string::npos; at = content.find(text, at + 1))
    ++out;
  return out;
}

} // namespace

TEST_CASE_METHOD(fixture, "a run on worker processes gives what a run on one node gives",
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

TEST_CASE_METHOD(fixture, "a run of which a worker node is killed gives the same result",
                 "[system][workers][kill]") {
  const int seed = GENERATE(range(0, points("MAZE_KILL_POINTS", 12)));
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
  pid_t killed = 0;
  while (killed == 0 && !run.ends_within(std::chrono::milliseconds(1)))
    for (const auto& [pid, log] : workers_of(run.pid(), folder / "state"))
      if (killed == 0 && count(log, "[" + phase + "] begins") >= wanted
          && ::kill(pid, SIGKILL) == 0)
        killed = pid;
  const auto ended = run.wait();
  INFO(ended.standard_error);
  CHECK(killed != 0);
  REQUIRE(ended.status == 0);
  CHECK(nlohmann::json::parse(ended.standard_output)["state"] == "completed");
  CHECK(test::read_tree(folder / "home") == undisturbed);
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}

TEST_CASE_METHOD(fixture,
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
  pid_t stopped = 0;
  fs::path master;
  while (stopped == 0 && !run.ends_within(std::chrono::milliseconds(1)))
    for (const auto& [pid, log] : workers_of(run.pid(), folder / "state"))
      if (stopped == 0 && count(log, "[" + phase + "] begins") >= wanted
          && ::kill(pid, SIGSTOP) == 0) {
        stopped = pid;
        master = log.parent_path().parent_path().parent_path() / "node.log";
      }
  REQUIRE(stopped != 0);
  while (count(master, "a node is not part of the cluster any more") == 0
         && !run.ends_within(std::chrono::milliseconds(5))) {
  }
  ::kill(stopped, SIGCONT);
  const auto ended = run.wait();
  INFO(ended.standard_error);
  REQUIRE(ended.status == 0);
  CHECK(test::read_tree(folder / "home") == undisturbed);
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}

TEST_CASE_METHOD(fixture, "tasks that take all cores let no lease end", "[system][workers]") {
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

TEST_CASE_METHOD(fixture, "strangers at the master's door do not disturb a run",
                 "[system][workers][tls]") {
  start_master({"--listen", "tcp:127.0.0.1:0"});
  good({"join-file", "w1", "--file", "w1.join"});
  start_worker("w1", {"--join", "w1.join"});
  const auto listens =
      nlohmann::json::parse(test::read_file(folder / "maze" / "lab" / "cluster.json"))["listens"];
  const auto door = io::parse_endpoint(listens.at(0).get<std::string>());
  REQUIRE(door);
  chains(20);
  test::process run(options({"submit", "chains.yaml", "--wait", "--out", "home"}));
  std::vector<io::unique_fd> strangers;
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    strangers.push_back(test::dial(*door));
    std::string garbage(random() % 300, 'x');
    for (char& c : garbage)
      c = static_cast<char>(random());
    // Whoever was refused already cannot say anything.
    static_cast<void>(::send(strangers.back().get(), garbage.data(), garbage.size(),
                             MSG_NOSIGNAL | MSG_DONTWAIT));
  }
  const auto ended = run.wait();
  INFO(ended.standard_error);
  CHECK(ended.status == 0);
  CHECK(test::read_tree(folder / "home").size() == 200);
  CHECK(count(folder / "master" / "clusters" / "lab" / "node.log", "a connection was refused")
        < 40);
}

TEST_CASE_METHOD(fixture, "a lasting cluster gains and loses worker nodes", "[system][workers]") {
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
  SECTION("all end with the cluster") {
    good({"stop"});
    CHECK(test::wait_until_gone(first));
  }
}

TEST_CASE_METHOD(fixture, "what a task prints on a worker node is read from everywhere",
                 "[system][workers]") {
  start_master();
  start_worker("w1");
  workflow("talk", "tasks: { a: { shell: \"echo hello; echo oops >&2\" } }\n");
  good({"submit", "talk.yaml", "--wait"});
  CHECK(good({"logs", "last", "a"}) == "hello\n");
  CHECK(good({"logs", "last", "a", "--stderr"}) == "oops\n");
}

TEST_CASE_METHOD(fixture, "a secret that a task prints on a worker node is hidden there",
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

TEST_CASE_METHOD(fixture, "output that was cut on a worker node is told", "[system][workers]") {
  workflow("loud", "tasks: { a: { shell: \"seq 1 100000\" } }\n");
  const auto ended = good_json({"run", "loud.yaml", "--workers", "1", "--dir", "state"});
  REQUIRE(ended["truncated"].size() == 1);
  CHECK(ended["truncated"][0]["total"] == 588895);
}

TEST_CASE_METHOD(fixture, "of two nodes that want one name the second is refused",
                 "[system][workers]") {
  start_master();
  start_worker("w1");
  const auto second = node({"start", "--role", "worker", "--name", "w1", "--dir",
                            (folder / "third").string(), "--lease", "500ms"});
  CHECK(second.status == 3);
  CHECK_THAT(second.standard_error, Contains("a node named 'w1' is connected already"));
  CHECK(good_json({"nodes"})["nodes"].size() == 1);
}

TEST_CASE_METHOD(fixture, "files that contradict each other fail a run that is waited for",
                 "[system][workers]") {
  start_master();
  start_worker("w1");
  workflow("both", "tasks:\n  a: { shell: \"echo 1 > x\" }\n  b: { shell: \"echo 2 > x\" }\n");
  const auto ended = node({"submit", "both.yaml", "--wait"});
  CHECK(ended.status == 1);
  CHECK_THAT(ended.standard_error, Contains("file_conflict"));
}

TEST_CASE_METHOD(fixture, "nodes and clients of other machines are let in with a join file",
                 "[system][workers][tls]") {
  start_master({"--listen", "tcp:127.0.0.1:0"});
  good({"join-file", "w1", "--file", "w1.join"});
  good({"join-file", "anna", "--for", "client", "--file", "anna.join"});
  start_worker("w1", {"--join", "w1.join", "--listen", "tcp:127.0.0.1:0"});
  chains(5);
  good({"submit", "chains.yaml", "--wait", "--out", "home", "--cluster", "./anna.join"});
  CHECK(test::read_tree(folder / "home").size() == 50);

  SECTION("each file is for its own role and name") {
    const auto client = node({"start", "--role", "worker", "--join", "anna.join"});
    CHECK(client.status == 2);
    CHECK_THAT(client.standard_error, Contains("--for worker"));
    const auto worker = node({"status", "--cluster", "./w1.join"});
    CHECK(worker.status != 0);
    CHECK_THAT(worker.standard_error, Contains("--for client"));
    const auto other = node({"start", "--role", "worker", "--join", "w1.join", "--name", "w9"});
    CHECK(other.status == 2);
    CHECK_THAT(other.standard_error, Contains("a node named 'w1'"));
  }
  SECTION("a file is never overwritten, and is for its owner alone") {
    CHECK(node({"join-file", "w1", "--file", "w1.join"}).status != 0);
    CHECK((fs::status(folder / "w1.join").permissions() & fs::perms(077)) == fs::perms::none);
  }
  SECTION("the files of another cluster are refused") {
    good({"stop", "--cluster", "lab"});
    fs::remove_all(folder / "master");
    start_master({"--listen", "tcp:127.0.0.1:0"});
    const auto refused = node({"status", "--cluster", "./anna.join"});
    CHECK(refused.status == 3);
  }
}

TEST_CASE_METHOD(fixture, "a cluster without an address for others makes no join file",
                 "[system][workers]") {
  start_master();
  const auto refused = node({"join-file", "w1"});
  CHECK(refused.status == 2);
  CHECK_THAT(refused.standard_error, Contains("--listen") && Contains("--address"));
  CHECK_FALSE(fs::exists(folder / "w1.join"));
}
