// GPUs that a node declares: which of them its tasks are told to use. No task touches a device.

#include "support/cluster_folder.hpp"
#include "support/needs.hpp"
#include "support/process.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <set>

using namespace maze;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

/// Starts nodes on a machine whose user has chosen no GPUs, but for what a case says.
struct gpu_folder : test::cluster_folder {
  test::process::options gpu_options(std::vector<std::string> words,
                                     const std::map<std::string, std::string>& environment = {}) {
    auto out = options(std::move(words));
    const std::vector<std::string> clean{"/usr/bin/env", "-u", "CUDA_VISIBLE_DEVICES", "-u",
                                         "CUDA_DEVICE_ORDER"};
    out.argv.insert(out.argv.begin(), clean.begin(), clean.end());
    std::size_t at = clean.size();
    for (const auto& [name, text] : environment)
      out.argv.insert(out.argv.begin() + static_cast<std::ptrdiff_t>(at++), name + "=" + text);
    return out;
  }
  /// Runs `workflow` and brings its files to `out`.
  void run(const std::string& workflow, std::vector<std::string> more,
           const std::map<std::string, std::string>& environment = {}) {
    fs::create_directories(folder / "locks");
    std::vector<std::string> words{"run",   workflow + ".yaml", "--out", "out", "--dir",
                                   "state", "--progress",       "never"};
    words.insert(words.end(), more.begin(), more.end());
    const auto ended = test::run(gpu_options(std::move(words), environment));
    INFO(ended.standard_error);
    REQUIRE(ended.status == 0);
    // Nobody's lock is left.
    CHECK(fs::is_empty(folder / "locks"));
  }
  /// What `task` saw.
  std::string seen(const std::string& task) {
    return test::read_file(folder / "out" / (task + ".txt"));
  }
  /// A task that notes its GPUs, takes a lock for each, which fails while another task has it, does
  /// `more` and gives them back.
  std::string task(const std::string& name, int gpus, const std::string& more = "true") {
    return "  " + name + ": { cpus: 0.25, timeout: 60s, gpus: " + std::to_string(gpus)
           + ", shell: 'set -e; echo \"$CUDA_VISIBLE_DEVICES\" > " + name + ".txt; cd "
           + (folder / "locks").string()
           + "; devices=$(echo \"$CUDA_VISIBLE_DEVICES\" | tr , \" \"); mkdir $devices; " + more
           + "; rmdir $devices' }\n";
  }
  /// Two tasks of which neither ends before the other has begun.
  void pair() {
    workflow("pair", "tasks:\n" + task("a", 1, "touch ../a; " + await("../b"))
                         + task("b", 1, "touch ../b; " + await("../a")));
  }
  /// Waits for `path`, which another task makes.
  static std::string await(const std::string& path) {
    return "until [ -e " + path + " ]; do sleep 0.01; done";
  }
};

/// Where there is a driver, an index beyond its devices ends the list.
std::optional<std::string> needs_no_driver() {
  return fs::exists("/proc/driver/nvidia/gpus")
             ? std::optional<std::string>("needs a machine without NVIDIA's driver")
             : std::nullopt;
}

} // namespace

TEST_CASE_METHOD(gpu_folder, "tasks that run at the same time see different GPUs",
                 "[system][gpu]") {
  pair();
  run("pair", {"--resources", "cpus=2,gpus=2"});
  CHECK(std::set{seen("a"), seen("b")} == std::set<std::string>{"0\n", "1\n"});
}

TEST_CASE_METHOD(gpu_folder, "a node gives away the GPUs that its own environment names",
                 "[system][gpu]") {
  pair();
  run("pair", {"--cpus", "2"}, {{"CUDA_VISIBLE_DEVICES", "GPU-33,GPU-55"}});
  CHECK(std::set{seen("a"), seen("b")} == std::set<std::string>{"GPU-33\n", "GPU-55\n"});
}

TEST_CASE_METHOD(gpu_folder, "a node gives away the indices that its own environment names",
                 "[system][gpu]") {
  MAZE_NEEDS(needs_no_driver());
  pair();
  run("pair", {"--cpus", "2"}, {{"CUDA_VISIBLE_DEVICES", "3,5"}});
  CHECK(std::set{seen("a"), seen("b")} == std::set<std::string>{"3\n", "5\n"});
}

TEST_CASE_METHOD(gpu_folder, "worker nodes of one run have different GPUs", "[system][gpu]") {
  std::string tasks = "tasks:\n";
  // None ends before one has begun on each node.
  for (int i = 0; i < 40; ++i) {
    const std::string name = "t" + std::to_string(i);
    tasks += task(name, 1, "touch ../$devices; " + await("../GPU-33") + "; " + await("../GPU-55"));
  }
  workflow("spread", tasks);
  run("spread", {"--cpus", "2", "--workers", "2"}, {{"CUDA_VISIBLE_DEVICES", "GPU-33,GPU-55"}});
  std::set<std::string> ids;
  for (int i = 0; i < 40; ++i)
    ids.insert(seen("t" + std::to_string(i)));
  CHECK(ids == std::set<std::string>{"GPU-33\n", "GPU-55\n"});
}

TEST_CASE_METHOD(gpu_folder, "a GPU is one task's at a time, however many want one",
                 "[system][gpu]") {
  std::string tasks = "tasks:\n";
  for (int i = 0; i < 60; ++i)
    tasks += task("t" + std::to_string(i), i % 3 == 0 ? 2 : 1);
  workflow("many", tasks);
  run("many", {"--resources", "cpus=8,gpus=3"});
  for (int i = 0; i < 60; ++i) {
    const std::string ids = seen("t" + std::to_string(i));
    if (i % 3 == 0)
      CHECK((ids == "0,1\n" || ids == "0,2\n" || ids == "1,2\n"));
    else
      CHECK((ids == "0\n" || ids == "1\n" || ids == "2\n"));
  }
}

TEST_CASE_METHOD(gpu_folder, "a task sees what it asked for, and nothing where it asked for none",
                 "[system][gpu]") {
  workflow("two", "tasks:\n" + task("both", 2)
                      + "  none: { shell: 'echo \"${CUDA_VISIBLE_DEVICES-unset}\" > none.txt' }\n"
                        "  order: { gpus: 1, shell: 'echo $CUDA_DEVICE_ORDER > order.txt' }\n");
  run("two", {"--gpus", "2", "--cpus", "2"});
  CHECK(seen("both") == "0,1\n");
  CHECK(seen("none") == "\n");
  CHECK(seen("order") == "PCI_BUS_ID\n");
}

TEST_CASE_METHOD(gpu_folder, "more GPUs than a node's environment names are refused",
                 "[system][gpu]") {
  workflow("w", "tasks:\n" + task("a", 1));
  const auto ended =
      test::run(gpu_options({"run", "w.yaml", "--gpus", "2"}, {{"CUDA_VISIBLE_DEVICES", ""}}));
  CHECK(ended.status == 2);
  CHECK_THAT(ended.standard_error, Contains("CUDA_VISIBLE_DEVICES of this process is ''"));
}

TEST_CASE_METHOD(gpu_folder, "a cluster tells how many GPUs there are, and how many are free",
                 "[system][gpu]") {
  const auto started = test::run(gpu_options(
      {"start", "--detach", "--name", "lab", "--dir", (folder / "lab-state").string(), "--quiet"},
      {{"CUDA_VISIBLE_DEVICES", "GPU-33,GPU-55"}}));
  INFO(started.standard_error);
  REQUIRE(started.status == 0);
  CHECK(good_json({"status"})["gpus"] == 2);
  CHECK(good_json({"nodes"})["nodes"][0]["gpus_free"] == 2);
  fs::create_directories(folder / "locks");
  workflow("w", "tasks:\n" + task("a", 1, "touch ../held; " + await("../enough")));
  good({"submit", "w.yaml"});
  while (!fs::exists(folder / "held"))
    good({"status"});
  CHECK(good_json({"nodes"})["nodes"][0]["gpus_free"] == 1);
  std::ofstream(folder / "enough");
}
