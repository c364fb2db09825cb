// What a command costs through maze-init at each level, against a bare posix_spawn loop that captures both streams, and at
// level seccomp against the same loop through bubblewrap with as much isolation, its system-call filter left out.
// "_2GiB" is the same of a node that has so much memory, beside that of a small one.
// "limited" is level subprocess with limits of memory and processes, which take control groups.
// Usage: spawn_bench [commands] [rounds]. Prints one JSON line per level and peer: the median over the rounds
// of microseconds per command, the peer's measured between them, and the ratio of the two.
#include "maze/sandbox/launcher.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace maze;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t parallel = 2;
constexpr const char* program = "/bin/true";
/// Bytes of a large node.
constexpr std::size_t large_node = std::size_t{2} << 30;
/// An empty folder for sealed children.
std::string taskspace;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "spawn_bench: %s\n", why.c_str());
  std::exit(1);
}

struct spawned {
  pid_t pid = -1;
  std::array<int, 2> streams{-1, -1};
};

using words = std::vector<const char*>;

/// The program, at the end of what starts it.
const words bare{program};
const words bubblewrap{"/usr/bin/bwrap",
                       "--unshare-all",
                       "--die-with-parent",
                       "--ro-bind",
                       "/usr",
                       "/usr",
                       "--symlink",
                       "usr/bin",
                       "/bin",
                       "--symlink",
                       "usr/lib",
                       "/lib",
                       "--symlink",
                       "usr/lib64",
                       "/lib64",
                       "--ro-bind",
                       "/etc/alternatives",
                       "/etc/alternatives",
                       "--ro-bind",
                       "/etc/ld.so.cache",
                       "/etc/ld.so.cache",
                       "--proc",
                       "/proc",
                       "--dev",
                       "/dev",
                       "--tmpfs",
                       "/tmp",
                       "--cap-drop",
                       "ALL",
                       program};

spawned spawn_bare(const words& command) {
  spawned made;
  std::array<std::array<int, 2>, 2> pipes{};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (std::size_t i = 0; i < 2; ++i) {
    if (::pipe2(pipes[i].data(), O_CLOEXEC) != 0)
      die("pipe2 failed");
    ::posix_spawn_file_actions_adddup2(&actions, pipes[i][1], static_cast<int>(i) + 1);
    made.streams[i] = pipes[i][0];
  }
  std::vector<char*> argv;
  for (const char* word : command)
    argv.push_back(const_cast<char*>(word));
  argv.push_back(nullptr);
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path, nullptr};
  if (::posix_spawn(&made.pid, argv[0], &actions, nullptr, argv.data(), environment) != 0)
    die("posix_spawn failed");
  ::posix_spawn_file_actions_destroy(&actions);
  for (const auto& ends : pipes)
    ::close(ends[1]);
  return made;
}

/// Reads what is there; true once both streams are at their end.
bool read_to_end(spawned& x) {
  for (int& fd : x.streams) {
    char buffer[4096];
    if (fd >= 0 && ::read(fd, buffer, sizeof buffer) == 0) {
      ::close(fd);
      fd = -1;
    }
  }
  return x.streams[0] < 0 && x.streams[1] < 0;
}

double bare_loop(const words& command, std::size_t count) {
  const auto start = clock_type::now();
  std::vector<spawned> live;
  for (std::size_t started = 0, ended = 0; ended < count;) {
    for (; live.size() < parallel && started < count; ++started)
      live.push_back(spawn_bare(command));
    std::vector<pollfd> wanted;
    for (const auto& x : live)
      wanted.push_back({x.streams[0], POLLIN, 0});
    ::poll(wanted.data(), wanted.size(), -1);
    for (std::size_t i = live.size(); i-- > 0;) {
      if (wanted[i].revents == 0 || !read_to_end(live[i]))
        continue;
      int status = 0;
      ::waitpid(live[i].pid, &status, 0);
      if (status != 0)
        die(std::string(command[0]) + " failed");
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(i));
      ++ended;
    }
  }
  return std::chrono::duration<double, std::micro>(clock_type::now() - start).count()
         / static_cast<double>(count);
}

class maze_loop {
public:
  maze_loop(sandbox::launcher& through, boost::asio::io_context& context,
            core::sandbox_spec sandbox)
      : launcher_(through), context_(context), sandbox_(std::move(sandbox)) {}

  double run(std::size_t count) {
    left_to_start_ = left_to_end_ = count;
    const auto start = clock_type::now();
    for (std::size_t i = 0; i < parallel; ++i)
      next();
    context_.restart();
    context_.run();
    return std::chrono::duration<double, std::micro>(clock_type::now() - start).count()
           / static_cast<double>(count);
  }

private:
  void next() {
    if (left_to_start_ == 0)
      return;
    --left_to_start_;
    sandbox::launch_request request{.argv = {program},
                                    .environment = {"PATH=/usr/bin:/bin"},
                                    .working_directory = "/",
                                    .sandbox = sandbox_,
                                    .nice = 0};
    if (request.sandbox.sealed()) {
      request.working_directory = taskspace;
      if (::geteuid() == 0)
        request.user = sandbox::child_user{60321, 60321};
    }
    launcher_.launch(std::move(request), [this](sandbox::exit_report report) {
      if (report.cause != sandbox::exit_cause::exited || report.exit_code != 0)
        die("a command failed: " + report.failure.message);
      next();
      if (--left_to_end_ == 0)
        context_.stop();
    });
  }

  sandbox::launcher& launcher_;
  boost::asio::io_context& context_;
  core::sandbox_spec sandbox_;
  std::size_t left_to_start_ = 0;
  std::size_t left_to_end_ = 0;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const char* kind, const std::vector<double>& values, const char* peer,
           const std::vector<double>& peers) {
  const double value = median(values), other = median(peers);
  std::printf("{\"name\":\"spawn_true_%s_P2\",\"value\":%.1f,\"unit\":\"us\",\"peer\":\"%s\","
              "\"peer_value\":%.1f,\"ratio\":%.3f}\n",
              kind, value, peer, other, value / other);
}

} // namespace

int main(int argc, char** argv) {
  const auto count = static_cast<std::size_t>(argc > 1 ? std::atoi(argv[1]) : 1000);
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  boost::asio::io_context context{1};
  auto launcher = sandbox::launcher::start(context, {});
  if (!launcher)
    die(launcher.error().message);
  std::string folder = std::filesystem::temp_directory_path() / "maze-spawn-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr || ::chmod(folder.c_str(), 0755) != 0)
    die("no folder for a taskspace");
  taskspace = folder;
  struct kind {
    const char* name;
    core::sandbox_spec sandbox;
  };
  using core::sandbox_level;
  core::sandbox_spec limited{.memory = core::byte_count{256 << 20}, .processes = 16};
  for (const auto& [name, sandbox] :
       {kind{"none", {.level = sandbox_level::none}},
        kind{"subprocess", {.level = sandbox_level::subprocess}}, kind{"limited", limited},
        kind{"seccomp", {.level = sandbox_level::seccomp}}}) {
    const bool sealed = sandbox.sealed();
    if (sealed && !(*launcher)->can().sealed)
      continue;
    const bool has_peer = sealed && ::access(bubblewrap.front(), X_OK) == 0;
    maze_loop through(**launcher, context, sandbox);
    std::vector<double> floors, values, peers;
    for (int i = 0; i < rounds; ++i) {
      floors.push_back(bare_loop(bare, count));
      values.push_back(through.run(count));
      if (has_peer)
        peers.push_back(bare_loop(bubblewrap, count));
    }
    print(name, values, "posix_spawn loop", floors);
    if (has_peer)
      print(name, values, "bubblewrap", peers);
    if (sandbox.level == sandbox_level::none)
      continue;
    // What starts children is small however large the node is.
    std::vector<double> small, large;
    for (int i = 0; i < rounds; ++i) {
      small.push_back(through.run(count));
      const std::vector<char> ballast(large_node, 1);
      large.push_back(through.run(count));
    }
    print((std::string(name) + "_2GiB").c_str(), large, "small node", small);
  }
  std::filesystem::remove(folder);
}
