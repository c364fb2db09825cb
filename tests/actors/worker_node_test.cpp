#include "maze/actors/worker_node.hpp"

#include "support/remote_cluster.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sys/stat.h>

using namespace maze;
using namespace maze::actors;
using namespace std::chrono_literals;

namespace {

/// The master gives a silent node up soon; nothing else is in a hurry.
core::link::options short_lease() {
  core::link::options out;
  out.heartbeat = 200ms;
  out.lease = 2s;
  out.reconnect = 500ms;
  return out;
}

/// Nobody is given up within any time a test should take.
core::link::options long_lease() {
  core::link::options out;
  out.lease = 120s;
  out.reconnect = 120s;
  return out;
}

/// What tasks and a test tell each other beside the cluster: files and pipes of one host.
struct side_channel {
  test::scratch_dir folder;

  explicit side_channel(const std::vector<std::string>& pipes) {
    for (const std::string& name : pipes)
      REQUIRE(::mkfifo(path(name).c_str(), 0600) == 0);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder / name; }
  /// Waits for a task that writes into the pipe.
  [[nodiscard]] std::string hear(const std::string& pipe) const {
    return test::local_cluster::read(path(pipe));
  }
  /// Lets a task go on that reads the pipe.
  void tell(const std::string& pipe) const { std::ofstream(path(pipe)) << "go\n"; }
  /// How often tasks have begun that write a line into `ran`.
  [[nodiscard]] std::size_t executions() const {
    const std::string lines = test::local_cluster::read(path("ran"));
    return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
  }
  /// A task that says when it runs, each time through a pipe of its own, and then waits: `up1` and
  /// `go1`, `up2` and `go2`. It writes the number into out.txt.
  [[nodiscard]] core::task_spec counted_task(const std::string& name) const {
    const std::string at = folder.path().string();
    return test::shell(name, "echo x >> " + at + "/ran; n=$(wc -l < " + at
                                 + "/ran); printf $n > out.txt; echo up > " + at + "/up$n; cat "
                                 + at + "/go$n");
  }
};

/// Two tasks over a file of the snapshot; the second one reads what the first one wrote.
submission two_steps(test::remote_cluster& cluster) {
  auto work = test::work_of({test::shell("up", "tr a-z A-Z < in.txt > up.txt; echo done"),
                             test::shell("join", "cat up.txt in.txt > both.txt", {"up"})});
  cluster.master().give(work, {{"in.txt", "maze"}});
  work.result = core::parse_reference("up.output.run.stdout").value();
  return work;
}

} // namespace

TEST_CASE("a workflow runs on a worker node that shares no folder with its master",
          "[actors][worker_node]") {
  test::remote_cluster cluster;
  const worker_node& node = cluster.add("w1");
  const auto first = cluster.master().run(two_steps(cluster));
  CHECK(first.state == core::run_state::completed);
  CHECK(cluster.master().content(first.published, "up.txt") == "MAZE");
  CHECK(cluster.master().content(first.published, "both.txt") == "MAZEmaze");
  CHECK(core::decode(first.result) == core::value("done\n"));
  const auto moved = node.traffic();
  CHECK(moved.received == 4);
  CHECK(moved.received_from_master == 4);
  CHECK(moved.sent == 12);

  // Nothing of it moves a second time.
  const auto second = cluster.master().run(two_steps(cluster));
  CHECK(second.state == core::run_state::completed);
  CHECK(second.published == first.published);
  CHECK(node.traffic().received == moved.received);
  CHECK(node.traffic().sent == moved.sent);
}

TEST_CASE("a connection that is lost and comes back within the lease costs nothing",
          "[actors][worker_node]") {
  const side_channel side({"up1", "go1"});
  test::remote_cluster cluster(long_lease());
  cluster.add("w1", {.link = long_lease()});
  const auto members = cluster.members();
  const auto run = cluster.master().start(test::work_of({side.counted_task("a")}));
  CHECK(side.hear("up1") == "up\n");
  SECTION("once") {}
  SECTION("again and again") {
    for (int i = 2; i < 5; ++i) {
      cluster.road("w1").cut();
      REQUIRE(test::eventually([&] { return cluster.road("w1").dials() >= i; }));
      REQUIRE(cluster.node("w1").await_admission(60s));
    }
  }
  SECTION("while the task ends") {
    cluster.road("w1").close();
    side.tell("go1");
    REQUIRE(test::eventually([&] { return cluster.node("w1").traffic().sent == 1; }));
    cluster.road("w1").open();
    CHECK(cluster.master().await(run).state == core::run_state::completed);
    CHECK(side.executions() == 1);
    CHECK(cluster.members() == members);
    return;
  }
  const int dials = cluster.road("w1").dials();
  cluster.road("w1").cut();
  REQUIRE(test::eventually([&] { return cluster.road("w1").dials() > dials; }));
  REQUIRE(cluster.node("w1").await_admission(60s));
  side.tell("go1");
  const auto report = cluster.master().await(run);
  CHECK(report.state == core::run_state::completed);
  CHECK(report.stale_refused == 0);
  CHECK(side.executions() == 1);
  CHECK(cluster.members() == members);
}

TEST_CASE("what ran on a node that ends runs again on another one", "[actors][worker_node]") {
  const side_channel side({"up1", "go1", "up2", "go2"});
  test::remote_cluster cluster(short_lease());
  cluster.add("w1");
  const auto run = cluster.master().start(test::work_of({side.counted_task("a")}));
  CHECK(side.hear("up1") == "up\n");
  cluster.remove("w1");
  cluster.add("w2");
  CHECK(side.hear("up2") == "up\n");
  side.tell("go2");
  const auto report = cluster.master().await(run);
  CHECK(report.state == core::run_state::completed);
  CHECK(cluster.master().content(report.published, "out.txt") == "2");
  CHECK(side.executions() == 2);
  CHECK(test::eventually([&] { return cluster.members().count("w1") == 0; }));
}

TEST_CASE("a node that was cut off for too long stops what it runs and comes back as a new one",
          "[actors][worker_node]") {
  const side_channel side({"up1", "go1", "up2", "go2", "alive"});
  test::remote_cluster cluster(short_lease());
  cluster.add("w1", {.link = short_lease()});
  const auto number = cluster.members().at("w1");
  auto task = side.counted_task("a");
  // As long as the first child lives, somebody can write into this pipe.
  std::get<core::shell_action>(task.action)
      .script.insert(0, "[ -e " + side.path("ran") + " ] || exec 3> " + side.path("alive") + "; ");
  const auto run = cluster.master().start(test::work_of({task}));
  io::unique_fd alive{::open(side.path("alive").c_str(), O_RDONLY | O_CLOEXEC)};
  REQUIRE(alive);
  CHECK(side.hear("up1") == "up\n");
  cluster.road("w1").close();
  cluster.add("w2");
  CHECK(side.hear("up2") == "up\n");
  CHECK(cluster.members().count("w1") == 0);
  char nothing = 0;
  CHECK(::read(alive.get(), &nothing, 1) == 0);
  side.tell("go2");
  CHECK(cluster.master().await(run).state == core::run_state::completed);
  CHECK_FALSE(cluster.node("w1").status().connected);
  cluster.road("w1").open();
  REQUIRE(cluster.node("w1").await_admission(60s));
  CHECK(cluster.members().at("w1") == number);
  CHECK(cluster.master().run(two_steps(cluster)).state == core::run_state::completed);
}

TEST_CASE("what a node publishes after its session is refused and counted",
          "[actors][worker_node]") {
  const side_channel side({"up1", "go1", "up2", "go2"});
  test::remote_cluster cluster(short_lease());
  cluster.add("w1", {.link = long_lease()});
  const auto number = cluster.members().at("w1");
  const auto run = cluster.master().start(test::work_of({side.counted_task("a")}));
  CHECK(side.hear("up1") == "up\n");
  // The master gives the node up, and the node does not hear of it.
  cluster.road("w1").hold_to_master(true);
  cluster.road("w1").hold_to_worker(true);
  REQUIRE(test::eventually([&] { return cluster.members().empty(); }));
  cluster.add("w2", {.link = long_lease()});
  CHECK(side.hear("up2") == "up\n");
  side.tell("go1");
  REQUIRE(test::eventually([&] { return cluster.node("w1").traffic().sent == 1; }));
  CHECK(cluster.master().report(run).stale_refused == 0);
  cluster.road("w1").hold_to_master(false);
  CHECK(test::eventually([&] { return cluster.master().report(run).stale_refused > 0; }));
  CHECK(cluster.master().report(run).state == core::run_state::running);
  // Now it hears it, and joins again.
  cluster.road("w1").hold_to_worker(false);
  CHECK(test::eventually([&] { return cluster.members().count("w1") == 1; }));
  CHECK(cluster.members().at("w1") == number);
  side.tell("go2");
  const auto report = cluster.master().await(run);
  CHECK(report.state == core::run_state::completed);
  CHECK(cluster.master().content(report.published, "out.txt") == "2");
  CHECK(side.executions() == 2);
}

TEST_CASE("a node fetches from another node what the master need not send twice",
          "[actors][worker_node]") {
  const side_channel side({"left", "right"});
  test::remote_cluster cluster(long_lease());
  // What the second node asks of the master stays away until it has turned to the first one: for its
  // question, and for the rest of the files.
  cluster.on_connect([&cluster](const std::string& who, const std::string& whom, int number) {
    if (who == "w2" && whom == "master" && number > 1)
      test::eventually([&] { return cluster.connections("w2", "w1") > 1; });
  });
  const auto with_files = [&cluster](std::vector<core::task_spec> tasks) {
    std::map<std::string, std::string> files;
    for (char name = 'a'; name < 'a' + 16; ++name)
      files["in/" + std::string(1, name)] = std::string(std::size_t{1} << 20, name);
    auto work = test::work_of(std::move(tasks));
    cluster.master().give(work, files);
    return work;
  };
  constexpr std::uint64_t all = std::uint64_t{16} << 20;
  cluster.add("w1", {.cores = 1, .link = long_lease()});
  CHECK(cluster.master().run(with_files({test::shell("warm")})).state
        == core::run_state::completed);
  CHECK(cluster.node("w1").traffic().received == all);
  cluster.add("w2", {.cores = 1, .link = long_lease()});
  // Each waits for the other, so they run on two nodes.
  const auto report = cluster.master().run(
      with_files({test::shell("one", "cat in/* | wc -c; echo x > " + side.path("left") + "; cat "
                                         + side.path("right")),
                  test::shell("two", "cat in/* | wc -c; cat " + side.path("left") + "; echo x > "
                                         + side.path("right"))}));
  CHECK(report.state == core::run_state::completed);
  CHECK(cluster.node("w1").traffic().received == all);
  const auto moved = cluster.node("w2").traffic();
  CHECK(moved.received == all);
  CHECK(moved.received_from_master < all);
}

TEST_CASE("a node that is drained ends what it runs and takes nothing more",
          "[actors][worker_node]") {
  const side_channel side({"up1", "go1"});
  test::remote_cluster cluster(long_lease());
  cluster.add("w1", {.cores = 1, .link = long_lease()});
  const auto first = cluster.master().start(test::work_of({side.counted_task("a")}));
  CHECK(side.hear("up1") == "up\n");
  caf::scoped_actor self{cluster.master().node().system()};
  const auto give_up = [](const caf::error& failed) { FAIL(core::describe(from_caf(failed))); };
  node_agent_actor link;
  self->request(cluster.master().node().master(), 60s, select_nodes{"w1"})
      .receive([&](const node_listing& told) { link = told.nodes.at(0).agent; }, give_up);
  auto drained = self->request(link, 60s, drain_node{});
  side.tell("go1");
  bool done = false;
  drained.receive([&](bool idle) { done = idle; }, give_up);
  CHECK(done);
  CHECK(cluster.master().await(first).state == core::run_state::completed);
  CHECK(side.executions() == 1);
  cluster.add("w2", {.cores = 1, .link = long_lease()});
  auto where = test::work_of({test::shell("where", "pwd")});
  where.result = core::parse_reference("where.output.run.stdout").value();
  for (int i = 0; i < 3; ++i) {
    const auto report = cluster.master().run(where);
    CHECK(report.result.find(cluster.folder("w2").string()) != std::string::npos);
  }
}

TEST_CASE("a node stops although its master cannot be reached", "[actors][worker_node]") {
  const side_channel side({"up1", "go1"});
  test::remote_cluster cluster(long_lease());
  cluster.add("w1", {.link = long_lease()});
  const auto run = cluster.master().start(test::work_of({side.counted_task("a")}));
  CHECK(side.hear("up1") == "up\n");
  cluster.road("w1").close();
  CHECK(test::eventually([&] { return !cluster.node("w1").status().connected; }));
  CHECK(cluster.node("w1").status().last_failure.code == core::errc::transfer_error);
  cluster.remove("w1");
}
