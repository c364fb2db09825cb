// Ctrl-C: what it does not wait for (files that are huge on paper and nearly empty on disk), and what it
// and other ends do not lose.

#include "maze/io/files.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace maze;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

test::process::options run_of(const test::scratch_dir& folder) {
  return {.argv = {MAZE_BIN_DIR "/maze-node", "run", "flow.yaml", "--task-user", "same", "--dir",
                   (folder / "state").string()},
          .working_directory = folder.path()};
}

/// Whether the process has a half blob open, with a name or without one.
bool is_storing(pid_t pid) {
  std::error_code ignored;
  for (const auto& each :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ignored))
    if (std::filesystem::read_symlink(each, ignored).native().find("/store/tmp/")
        != std::string::npos)
      return true;
  return false;
}

/// Looks every few milliseconds, for at most a minute.
bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 12000 && !holds(); ++i)
    ::poll(nullptr, 0, 5);
  return holds();
}

bool comes_to_store(const test::process& node) {
  return eventually([&] { return is_storing(node.pid()); });
}

struct timed_end {
  test::process_result result;
  std::chrono::steady_clock::duration took;
};

timed_end interrupt(test::process& node) {
  const auto before = std::chrono::steady_clock::now();
  node.signal(SIGINT);
  auto result = node.wait();
  return {std::move(result), std::chrono::steady_clock::now() - before};
}

} // namespace

TEST_CASE("Ctrl-C does not wait until the huge file of a task is hashed", "[system][interrupt]") {
  const test::scratch_dir folder;
  write(folder / "flow.yaml", "maze: 1\nname: flow\ndefaults: { output: { run: dict } }\ntasks:\n"
                              "  a: { shell: \"truncate -s 1T big\" }\n");
  test::process node(run_of(folder));
  REQUIRE(comes_to_store(node));
  const auto end = interrupt(node);
  INFO(end.result.standard_error);
  CHECK(end.result.status == 130);
  CHECK(end.took < 5s);
  CHECK_THAT(end.result.standard_error, !Contains("takes long to stop"));
}

TEST_CASE("Ctrl-C is heard while a huge file is hashed beside the slot's next task",
          "[system][interrupt]") {
  const test::scratch_dir folder;
  write(folder / "flow.yaml", "maze: 1\nname: flow\ndefaults: { output: { run: dict } }\ntasks:\n"
                              "  a: { shell: \"truncate -s 1T big\" }\n"
                              "  b: { shell: \"sleep 1000\" }\n");
  auto options = run_of(folder);
  options.argv.insert(options.argv.end(), {"--jobs", "1"});
  test::process node(options);
  REQUIRE(comes_to_store(node));
  const auto end = interrupt(node);
  INFO(end.result.standard_error);
  CHECK(end.result.status == 130);
  CHECK(end.took < 5s);
}

TEST_CASE("Ctrl-C does not wait until a huge file is in the snapshot", "[system][interrupt]") {
  const test::scratch_dir folder;
  write(folder / "flow.yaml", "maze: 1\nname: flow\nfiles: [big]\n"
                              "defaults: { output: { run: dict } }\ntasks:\n"
                              "  a: { shell: \"true\" }\n");
  write(folder / "big", "data");
  REQUIRE(::truncate((folder / "big").c_str(), off_t{1} << 40) == 0);
  test::process node(run_of(folder));
  REQUIRE(comes_to_store(node));
  const auto end = interrupt(node);
  INFO(end.result.standard_error);
  CHECK(end.result.status == 130);
  CHECK(end.took < 5s);
  CHECK_THAT(end.result.standard_error, Contains("while the snapshot of the files was taken"));
}

TEST_CASE("what was published before Ctrl-C comes home", "[system][interrupt]") {
  const test::scratch_dir folder;
  const std::string pipe = folder / "slow-runs";
  REQUIRE(::mkfifo(pipe.c_str(), 0666) == 0);
  // The umask may have taken what another user's child needs.
  REQUIRE(::chmod(pipe.c_str(), 0666) == 0);
  write(folder / "flow.yaml", "maze: 1\nname: flow\ndefaults: { output: { run: dict } }\ntasks:\n"
                              "  quick: { shell: \"echo done > quick.txt\" }\n"
                              "  slow: { after: [quick], shell: \"echo > "
                                  + pipe + "; sleep 1000\" }\n");
  test::process node(run_of(folder));
  const io::unique_fd runs(::open(pipe.c_str(), O_RDONLY | O_CLOEXEC));
  char byte = 0;
  REQUIRE(::read(runs.get(), &byte, 1) == 1);
  const auto end = interrupt(node);
  INFO(end.result.standard_error);
  CHECK(end.result.status == 130);
  std::size_t found = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(folder.path()))
    found += each.path().filename() == "quick.txt" ? 1 : 0;
  CHECK(found == 1);
}

TEST_CASE("files that cannot go where they are wanted are kept with the state",
          "[system][interrupt]") {
  const test::scratch_dir folder;
  write(folder / "flow.yaml", "maze: 1\nname: flow\ndefaults: { output: { run: dict } }\ntasks:\n"
                              "  a: { shell: \"echo done > a.txt\" }\n");
  write(folder / "taken", "a file, no folder");
  auto options = run_of(folder);
  options.argv.insert(options.argv.end(), {"--out", "taken/home"});
  const auto end = test::process(options).wait();
  CHECK(end.status == 1);
  CHECK_THAT(end.standard_error, Contains("nothing came home") && Contains("the files are in"));
  std::size_t found = 0;
  for (const auto& each :
       std::filesystem::recursive_directory_iterator(folder / "state" / "rescued"))
    found += each.path().filename() == "a.txt" ? 1 : 0;
  CHECK(found == 1);
}

TEST_CASE("a signal that comes when the run is over leaves no state", "[system][interrupt]") {
  const test::scratch_dir folder;
  std::filesystem::create_directory(folder / "many");
  for (int i = 0; i < 2000; ++i)
    write(folder / "many" / std::to_string(i), std::to_string(i));
  write(folder / "flow.yaml", "maze: 1\nname: flow\nfiles: [many]\n"
                              "defaults: { output: { run: dict } }\ntasks:\n"
                              "  a: { shell: \"echo done > a.txt\" }\n");
  auto options = run_of(folder);
  options.argv.insert(options.argv.end(), {"--out", "home"});
  test::process node(options);
  REQUIRE(eventually([&] { return std::filesystem::exists(folder / "home/a.txt"); }));
  const auto end = interrupt(node);
  INFO(end.result.standard_error);
  for (const auto& left : std::filesystem::directory_iterator(folder / "state" / "private"))
    CHECK(left.path().filename() == "making");
}
