// Nodes that the surroundings leave too little: they say so at once and clearly.

#include "support/needs.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

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
  const auto sut = run_after("ulimit -n 52", folder, tasks, "--jobs 1");
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
