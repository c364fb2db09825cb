// Lasting clusters as real processes.

#include "support/eventually.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace maze;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

struct fixture {
  test::scratch_dir folder;
  std::string mark = "MAZE_TEST_MARK=" + folder.path().filename().string();

  ~fixture() {
    for (const char* name : {"lab", "two"})
      node({"stop", "--cluster", name});
  }

  test::process::options options(std::vector<std::string> words) {
    words.insert(words.begin(), MAZE_BIN_DIR "/maze-node");
    return {.argv = std::move(words),
            .working_directory = folder.path(),
            .environment = {{"XDG_RUNTIME_DIR", folder.path().string()},
                            {"HOME", folder.path().string()},
                            {"XDG_CONFIG_HOME", folder.path().string()}}};
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
  nlohmann::json start(const std::string& name = "lab") {
    return nlohmann::json::parse(
        good({"start", "--detach", "--name", name, "--dir", (folder / "state").string(),
              "--task-user", "same", "--resources", "cpus=4", "--output", "json"}));
  }
  void workflow(const std::string& name, const std::string& tasks) {
    std::ofstream(folder / (name + ".yaml"))
        << "maze: 1\nname: " << name
        << "\ndefaults: { output: { run: dict }, env: { MAZE_TEST_MARK: "
        << folder.path().filename().string() << " } }\n"
        << tasks;
  }
  /// Waits until the tasks have written `count` bytes into the pipe.
  void await_marks(int pipe, int count) {
    for (char byte = 0; count > 0; --count) {
      pollfd ready{pipe, POLLIN, 0};
      REQUIRE(::poll(&ready, 1, 60'000) == 1);
      REQUIRE(::read(pipe, &byte, 1) == 1);
    }
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "a cluster stays, runs what it is given, and ends without a trace",
                 "[system][cluster]") {
  const auto started = start();
  std::ofstream(folder / "in.txt") << "hello\n";
  workflow("shout", "files: [in.txt]\ntasks:\n  up: { shell: \"tr a-z A-Z < in.txt | tee out.txt\" "
                    "}\nresult: up.output.run.stdout\n");
  CHECK(good({"submit", "shout.yaml", "--wait", "--out", "home"}) == "HELLO\n");
  CHECK(fs::exists(folder / "home" / "out.txt"));
  CHECK(good({"result", "last"}) == "HELLO\n");
  CHECK(good({"logs", "shout", "up"}) == "HELLO\n");
  CHECK(nlohmann::json::parse(good({"runs", "--output", "json"}))["runs"].size() == 1);
  CHECK(nlohmann::json::parse(good({"files", "last", "--output", "json"}))["files"][0]["path"]
        == "out.txt");
  CHECK_THAT(good({"status"}), Contains("cluster 'lab'"));
  CHECK_THAT(good({"nodes"}), Contains("ready"));
  good({"stop"});
  CHECK(test::wait_until_gone(started["pid"].get<pid_t>()));
  CHECK_FALSE(fs::exists(folder / "maze" / "lab"));
  const auto none = node({"status"});
  CHECK(none.status == 3);
  CHECK_THAT(none.standard_error, Contains("maze-node start --detach"));
}

TEST_CASE_METHOD(fixture, "a submit that is repeated gives the same run", "[system][cluster]") {
  start();
  workflow("work", "tasks: { a: { shell: \"echo once >> " + (folder / "log").string() + "\" } }\n");
  const auto first = good({"submit", "work.yaml", "--id", "nightly", "--wait", "--output", "json"});
  const auto again = good({"submit", "work.yaml", "--id", "nightly", "--wait", "--output", "json"});
  CHECK(nlohmann::json::parse(first)["run"] == nlohmann::json::parse(again)["run"]);
  CHECK(fs::file_size(folder / "log") == 5);
}

TEST_CASE_METHOD(fixture, "cancelling kills the whole tree of a task", "[system][cluster]") {
  start();
  const auto pipe_path = folder / "pipe";
  REQUIRE(::mkfifo(pipe_path.c_str(), 0600) == 0);
  const io::unique_fd pipe{::open(pipe_path.c_str(), O_RDWR | O_CLOEXEC)};
  workflow("deep", "tasks:\n  a:\n    shell: |\n"
                   "      setsid sh -c 'trap \"\" TERM INT HUP; sleep 1000' &\n"
                   "      (setsid sh -c '(trap \"\" TERM; sleep 1000 & wait) &' &)\n"
                   "      printf x > "
                       + pipe_path.string() + "\n      sleep 1000\n");
  good({"submit", "deep.yaml", "--id", "x"});
  await_marks(pipe.get(), 1);
  CHECK_FALSE(test::processes_with(mark).empty());
  good({"cancel", "last"});
  CHECK(node({"submit", "deep.yaml", "--id", "x", "--wait"}).status == 4);
  CHECK(test::processes_with(mark).empty());
}

TEST_CASE_METHOD(fixture, "with two clusters one must be named", "[system][cluster]") {
  start("lab");
  start("two");
  const auto which = node({"status"});
  CHECK(which.status == 3);
  CHECK_THAT(which.standard_error, Contains("lab") && Contains("two") && Contains("--cluster"));
  CHECK_THAT(good({"status", "--cluster", "two"}), Contains("cluster 'two'"));
  CHECK(node({"start", "--detach", "--name", "lab", "--dir", (folder / "other").string()}).status
        == 3);
}

TEST_CASE_METHOD(fixture, "a client that is killed while it waits loses nothing",
                 "[system][cluster]") {
  start();
  const auto pipe_path = folder / "pipe";
  REQUIRE(::mkfifo(pipe_path.c_str(), 0600) == 0);
  const io::unique_fd pipe{::open(pipe_path.c_str(), O_RDWR | O_CLOEXEC)};
  workflow("work", "tasks:\n  a: { shell: \"printf x > " + pipe_path.string()
                       + "; echo done\" }\n"
                         "  b: { shell: \"printf x > "
                       + pipe_path.string() + "\", after: [a] }\n");
  test::process client(options({"submit", "work.yaml", "--id", "x", "--wait"}));
  await_marks(pipe.get(), 1);
  client.signal(SIGKILL);
  client.wait();
  const auto again = node({"submit", "work.yaml", "--id", "x", "--wait", "--output", "json"});
  CHECK(again.status == 0);
  CHECK(nlohmann::json::parse(good({"runs", "--output", "json"}))["runs"].size() == 1);
  CHECK(good({"logs", "last", "a"}) == "done\n");
}

TEST_CASE_METHOD(fixture, "logs are followed to the end of the attempt", "[system][cluster]") {
  start();
  const auto pipe_path = folder / "pipe";
  REQUIRE(::mkfifo(pipe_path.c_str(), 0600) == 0);
  const io::unique_fd pipe{::open(pipe_path.c_str(), O_RDWR | O_CLOEXEC)};
  workflow("work", "tasks: { a: { shell: \"echo one; head -c 1 " + pipe_path.string()
                       + " > /dev/null; echo two\" } }\n");
  good({"submit", "work.yaml"});
  test::process follower(options({"logs", "last", "a", "--follow"}));
  REQUIRE(::write(pipe.get(), "x", 1) == 1);
  const auto ended = follower.wait();
  CHECK(ended.status == 0);
  CHECK(ended.standard_output == "one\ntwo\n");
}

TEST_CASE_METHOD(fixture, "after a node was killed its place is taken again", "[system][cluster]") {
  const auto first = start();
  const auto pid = first["pid"].get<pid_t>();
  ::kill(pid, SIGKILL);
  REQUIRE(test::wait_until_gone(pid));
  CHECK(node({"status"}).status == 3);
  CHECK_FALSE(fs::exists(folder / "maze" / "lab"));
  start();
  CHECK(good({"runs"}).find('\n') == good({"runs"}).size() - 1);
}

TEST_CASE_METHOD(fixture, "a forgotten run leaves nothing behind that no other run needs",
                 "[system][cluster]") {
  const auto begin = [this] {
    good({"start", "--detach", "--name", "lab", "--dir", (folder / "state").string(), "--task-user",
          "same", "--resources", "cpus=4", "--reclaim-after", "1s"});
  };
  const auto blobs = [this] {
    std::size_t count = 0;
    for (const auto& each : fs::recursive_directory_iterator(folder / "state" / "clusters" / "lab"
                                                             / "store" / "blobs"))
      count += each.is_regular_file() ? 1 : 0;
    return count;
  };
  begin();
  std::ofstream(folder / "in.txt") << "shared\n";
  const std::string task =
      "files: [in.txt]\ntasks: { a: { shell: \"echo $MAZE_RUN > out; cp out copy\" } }\n";
  workflow("first", task);
  workflow("second", "collect: [out]\n" + task);
  good({"submit", "first.yaml", "--wait", "--out", "one"});
  const auto id = nlohmann::json::parse(good({"runs", "--output", "json"}))["runs"][0]["run"];
  const auto logs = folder / "state" / "clusters" / "lab" / "runs" / id.get<std::string>();
  good({"submit", "second.yaml", "--wait", "--out", "two"});
  CHECK(blobs() == 3);

  const auto told = nlohmann::json::parse(good({"forget", "first", "--output", "json"}));
  CHECK(told["forgotten"] == nlohmann::json::array({id}));
  CHECK(test::eventually([&] { return blobs() == 2 && !fs::exists(logs); }));
  CHECK(nlohmann::json::parse(good({"runs", "--output", "json"}))["runs"].size() == 1);
  CHECK(node({"result", "first"}).status == 2);
  // What is listed is what came.
  const auto came = node({"files", "second", "--out", "again", "--output", "json"});
  CHECK(nlohmann::json::parse(came.standard_output)["files"].size() == 1);
  CHECK_THAT(came.standard_error, Catch::Contains("1 of 2 paths came to again"));
  CHECK(fs::file_size(folder / "again" / "out") > 0);

  // A cluster that is started again knows no run, but it still has the files of those before.
  good({"stop"});
  begin();
  CHECK(blobs() == 2);
  good({"forget", "--all"});
  CHECK(test::eventually([&] { return blobs() == 0; }));
}
