// The node is killed without warning at seeded points of a run, and nothing of it may stay behind.

#include "maze/io/blob_store.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <random>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace maze;

namespace {

/// Tasks that say on a pipe how far they are and do all that makes a process hard to find: background
/// children, sessions of their own, double forks, ignored signals, files half written.
std::string hostile_workflow(const std::string& mark, const std::string& pipe) {
  std::string out =
      "maze: 1\nname: hostile\nfiles: [data]\ndefaults:\n  cpus: 0.25\n  output: { run: dict }\n"
      "  env: { MAZE_TEST_MARK: "
      + mark + " }\ntasks:\n";
  for (int i = 0; i < 24; ++i)
    out += "  t" + std::to_string(i) + ":\n"
           + (i >= 8 ? "    after: [t" + std::to_string(i - 8) + "]\n" : std::string())
           + "    shell: |\n"
             "      exec 3> "
           + pipe
           + "\n"
             "      printf s >&3\n"
             "      setsid sh -c 'trap \"\" TERM INT HUP; sleep 1000' > /dev/null 2>&1 &\n"
             "      (setsid sh -c '(trap \"\" TERM; sleep 1000 & wait) &' &) > /dev/null 2>&1\n"
             "      printf d >&3\n"
             "      head -c 3000000 /dev/urandom > big"
           + std::to_string(i)
           + "\n"
             "      printf w >&3\n"
             "      echo more >> data/in\n"
             "      printf e >&3\n";
  return out;
}

/// Reads from the pipe until `wanted` bytes came, or the node ended.
std::size_t read_marks(int pipe, std::size_t wanted, pid_t node) {
  const io::unique_fd end{static_cast<int>(::syscall(SYS_pidfd_open, node, 0))};
  REQUIRE(end);
  std::size_t got = 0;
  while (got < wanted) {
    std::array<pollfd, 2> watched{pollfd{pipe, POLLIN, 0}, pollfd{end.get(), POLLIN, 0}};
    char byte = 0;
    if (::poll(watched.data(), watched.size(), 60'000) < 1)
      break;
    if ((watched[0].revents & POLLIN) == 0)
      break;
    if (::read(pipe, &byte, 1) == 1)
      ++got;
  }
  return got;
}

/// The hash in a blob's name must be the hash of its content.
std::size_t count_whole_blobs(const std::filesystem::path& state) {
  std::size_t count = 0;
  for (const auto& node : std::filesystem::directory_iterator(state / "private")) {
    const auto folder = node.path() / "store";
    if (!std::filesystem::is_directory(folder))
      continue;
    auto store = io::blob_store::open(folder, {.durable = false});
    REQUIRE(store);
    for (const auto& blob : std::filesystem::recursive_directory_iterator(folder / "blobs"))
      if (blob.is_regular_file()) {
        const auto hash = core::digest_from_string(blob.path().filename().string());
        REQUIRE(hash);
        const auto fine = (*store)->verify(*hash);
        INFO("blob " << blob.path());
        CHECK(fine.has_value());
        ++count;
      }
  }
  return count;
}

} // namespace

TEST_CASE("a node killed at any point leaves no process and no half file", "[system][kill]") {
  const int seed = GENERATE(range(0, 30));
  INFO("seed = " << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  const test::scratch_dir folder;
  ::chmod(folder.path().c_str(), 0755);
  std::filesystem::create_directory(folder / "data");
  std::ofstream(folder / "data" / "in") << "input\n";
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0666) == 0);
  REQUIRE(::chmod(pipe.c_str(), 0666) == 0);
  // Open for both, so that neither side ever waits for the other or sees an end.
  const io::unique_fd marks{::open(pipe.c_str(), O_RDWR | O_CLOEXEC)};
  REQUIRE(marks);
  const std::string mark = "mark-" + std::to_string(::getpid()) + "-" + std::to_string(seed);
  std::ofstream(folder / "hostile.yaml") << hostile_workflow(mark, pipe);

  test::process node({.argv = {MAZE_BIN_DIR "/maze-node", "run", "hostile.yaml", "--keep", "--cpus",
                               "2", "--dir", folder / "state"},
                      .working_directory = folder.path()});
  const std::size_t wanted = 1 + random() % 90;
  const std::size_t got = read_marks(marks.get(), wanted, node.pid());
  const auto init = test::children_of(node.pid(), "maze-init");
  node.signal(SIGKILL);
  const auto ended = node.wait();
  INFO(ended.standard_error);
  CHECK(got == wanted);
  for (const pid_t pid : init)
    CHECK(test::wait_until_gone(pid));

  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
  CHECK(count_whole_blobs(folder / "state") >= 1);
}
