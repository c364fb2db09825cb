// Nodes that the surroundings leave too little: they say so at once and clearly.

#include "support/needs.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <unistd.h>

using namespace maze;
using Catch::Matchers::Contains;

namespace {

std::filesystem::path write_workflow(const std::filesystem::path& folder,
                                     const std::string& tasks) {
  auto path = folder / "flow.yaml";
  std::ofstream(path) << "maze: 1\nname: flow\ndefaults: { output: { run: dict } }\ntasks:\n"
                      << tasks;
  return path;
}

/// Runs the workflow in a shell that says `first` before.
test::process_result run_after(const std::string& first, const test::scratch_dir& folder,
                               const std::string& tasks, const std::string& more = {}) {
  const auto flow = write_workflow(folder.path(), tasks);
  return test::run(
      {.argv = {"/bin/sh", "-c",
                first + " && exec " MAZE_BIN_DIR "/maze-node run " + flow.string()
                    + " --task-user same --dir " + (folder / "state").string() + " " + more},
       .working_directory = folder.path()});
}

} // namespace

TEST_CASE("too little address space is an error that names the limit", "[system][limits]") {
  const test::scratch_dir folder;
  for (const char* limit : {"100000", "200000", "400000"}) {
    const auto sut = run_after(std::string("ulimit -v ") + limit, folder, "  a: { shell: true }\n");
    INFO(sut.standard_error);
    CHECK(sut.status == 3);
    CHECK_THAT(sut.standard_error, Contains("ulimit -v unlimited"));
    CHECK(!std::filesystem::exists(folder / "state"));
  }
}

TEST_CASE("too few open files are an error that names the limit", "[system][limits]") {
  const test::scratch_dir folder;
  for (const char* limit : {"8", "16", "24"}) {
    const auto sut = run_after(std::string("ulimit -n ") + limit, folder, "  a: { shell: true }\n");
    INFO(sut.standard_error);
    CHECK(sut.status == 3);
    CHECK_THAT(sut.standard_error, Contains("ulimit -n 1024"));
  }
}

TEST_CASE("a node lives with just the open files that it asks for", "[system][limits]") {
  const test::scratch_dir folder;
  std::string tasks;
  for (int i = 0; i < 40; ++i)
    tasks += "  t" + std::to_string(i) + ": { shell: \"echo x > f" + std::to_string(i) + "\" }\n";
  std::filesystem::create_directory(folder / "many");
  for (int i = 0; i < 300; ++i)
    std::ofstream(folder / "many" / std::to_string(i))
        << std::string(i % 7 == 0 ? 300'000 : 10, 'x') << i;
  const auto sut = run_after("ulimit -n 68", folder, tasks + "files: [many]\n", "--jobs 1");
  INFO(sut.standard_error);
  CHECK(sut.status == 0);
}

TEST_CASE("tasks have the limit of open files that the node was started with", "[system][limits]") {
  const test::scratch_dir folder;
  const auto sut = run_after("ulimit -Sn 100", folder,
                             "  a: { shell: \"ulimit -Sn\" }\nresult: a.output.run.stdout\n");
  INFO(sut.standard_error);
  CHECK(sut.status == 0);
  CHECK(sut.standard_output == "100\n");
}

namespace {

/// A memory cgroup of its own under the caller's, gone with this.
class memory_group {
public:
  static std::optional<std::string> missing() {
    std::error_code failed;
    const auto probe = folder_for("probe");
    if (!std::filesystem::create_directory(probe, failed))
      return "mkdir " + probe.string() + ": " + failed.message();
    std::filesystem::remove(probe, failed);
    return std::nullopt;
  }
  explicit memory_group(std::uint64_t bytes) {
    REQUIRE(std::filesystem::create_directory(folder_));
    for (const char* limit : {"memory.limit_in_bytes", "memory.max"})
      if (std::filesystem::exists(folder_ / limit))
        std::ofstream(folder_ / limit) << bytes;
  }
  memory_group(const memory_group&) = delete;
  memory_group& operator=(const memory_group&) = delete;
  ~memory_group() {
    std::error_code ignored;
    std::filesystem::remove(folder_, ignored);
  }
  /// What a shell says to be in it from now on.
  [[nodiscard]] std::string entrance() const {
    return "echo $$ > " + (folder_ / "cgroup.procs").string();
  }
  [[nodiscard]] std::uint64_t kills() const {
    for (const char* file : {"memory.oom_control", "memory.events"}) {
      std::ifstream lines(folder_ / file);
      std::string key;
      for (std::uint64_t number = 0; lines >> key >> number;)
        if (key == "oom_kill")
          return number;
    }
    return 0;
  }

private:
  static std::filesystem::path folder_for(const std::string& name) {
    const std::filesystem::path first = "/sys/fs/cgroup/memory", unified = "/sys/fs/cgroup";
    return (std::filesystem::exists(first) ? first : unified)
           / ("maze-test-" + name + "-" + std::to_string(::getpid()));
  }
  std::filesystem::path folder_ = folder_for("group");
};

} // namespace

TEST_CASE("when memory runs out a task dies, and neither its node nor its neighbours",
          "[system][limits]") {
  MAZE_NEEDS(memory_group::missing());
  const test::scratch_dir folder;
  const memory_group group(std::uint64_t{192} << 20);
  std::string tasks = "  hungry: { cpus: 0.1, shell: \"x=$(head -c 400000000 /dev/zero | tr "
                      "'\\\\0' y); echo $x\" }\n";
  for (int i = 0; i < 20; ++i)
    tasks += "  t" + std::to_string(i) + ": { cpus: 0.1, shell: \"echo x > f" + std::to_string(i)
             + "\" }\n";
  for (const std::string workers : {"", "--workers 2"}) {
    INFO(workers);
    const auto kills = group.kills();
    const auto sut =
        run_after(group.entrance(), folder, tasks, "--output json --cpus 2 " + workers);
    INFO(sut.standard_error);
    CHECK(sut.status == 1);
    CHECK(group.kills() > kills);
    const auto report = nlohmann::json::parse(sut.standard_output);
    CHECK(report["tasks"]["completed"] == 20);
    REQUIRE(report["failed"].size() == 1);
    CHECK(report["failed"][0]["task"] == "hungry");
    CHECK(report["failed"][0]["error"]["class"] != "node_lost");
    CHECK(report["failed"][0]["attempts"] == 1);
  }
}
