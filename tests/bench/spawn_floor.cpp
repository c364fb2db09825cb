// The least that running a command can cost: posix_spawn, both output streams read to their end
// through pipes, the child reaped; P at a time from one thread. What a runtime adds is the
// difference to this.
//
//   spawn_floor N P [PROGRAM]    prints {"value": us of wall time per task, "cpu_us_per_task": ...}

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace {

struct child {
  pid_t pid = 0;
  int open_streams = 0;
};

[[noreturn]] void give_up(const char* step, int error) {
  std::fprintf(stderr, "spawn_floor: %s: %s\n", step, std::strerror(error));
  std::exit(1);
}

/// A fixed number of places, each with one child and the read ends of its two streams.
class spawner {
public:
  spawner(std::string program, std::size_t places)
      : program_(std::move(program)), children_(places), streams_(places * 2, {-1, POLLIN, 0}) {}

  void start(std::size_t place) {
    int pipes[2][2];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 2; ++i) {
      if (pipe2(pipes[i], O_CLOEXEC) != 0)
        give_up("pipe2", errno);
      posix_spawn_file_actions_adddup2(&actions, pipes[i][1], i + 1);
    }
    char* const argv[] = {program_.data(), nullptr};
    char path[] = "PATH=/usr/bin:/bin";
    char* const environment[] = {path, nullptr};
    auto& child = children_[place];
    if (const int error =
            posix_spawn(&child.pid, program_.c_str(), &actions, nullptr, argv, environment))
      give_up(program_.c_str(), error);
    posix_spawn_file_actions_destroy(&actions);
    child.open_streams = 2;
    for (std::size_t i = 0; i < 2; ++i) {
      close(pipes[i][1]);
      streams_[place * 2 + i].fd = pipes[i][0];
    }
  }

  /// Waits for output or ends; returns the places that are free again.
  std::vector<std::size_t> wait() {
    if (poll(streams_.data(), streams_.size(), -1) < 0)
      give_up("poll", errno);
    std::vector<std::size_t> done;
    for (std::size_t i = 0; i < streams_.size(); ++i)
      if (streams_[i].revents != 0 && at_end(streams_[i]) && --children_[i / 2].open_streams == 0) {
        reap(children_[i / 2]);
        done.push_back(i / 2);
      }
    return done;
  }

private:
  static bool at_end(pollfd& stream) {
    char text[4096];
    const auto size = read(stream.fd, text, sizeof text);
    if (size < 0)
      give_up("read", errno);
    if (size > 0)
      return false;
    close(stream.fd);
    stream.fd = -1;
    return true;
  }

  void reap(const child& ended) {
    int status = 0;
    if (waitpid(ended.pid, &status, 0) < 0)
      give_up("waitpid", errno);
    if (status != 0) {
      std::fprintf(stderr, "spawn_floor: %s ended with status %d\n", program_.c_str(), status);
      std::exit(1);
    }
  }

  std::string program_;
  std::vector<child> children_;
  std::vector<pollfd> streams_;
};

double cpu_us(int who) {
  rusage used{};
  getrusage(who, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6
         + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

std::size_t number(std::string_view text) {
  std::size_t x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || x == 0) {
    std::fprintf(stderr, "spawn_floor: `%.*s` is not a number from 1\n",
                 static_cast<int>(text.size()), text.data());
    std::exit(2);
  }
  return x;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fputs("usage: spawn_floor N P [PROGRAM]\n", stderr);
    return 2;
  }
  const auto tasks = number(argv[1]), at_a_time = number(argv[2]);
  spawner sut(argc == 4 ? argv[3] : "/bin/true", at_a_time);
  const auto began = std::chrono::steady_clock::now();
  std::size_t started = 0, ended = 0;
  for (; started < at_a_time && started < tasks; ++started)
    sut.start(started);
  while (ended < tasks)
    for (const auto place : sut.wait()) {
      ++ended;
      if (started < tasks) {
        sut.start(place);
        ++started;
      }
    }
  const std::chrono::duration<double, std::micro> wall = std::chrono::steady_clock::now() - began;
  const auto count = static_cast<double>(tasks);
  std::printf("{\"value\": %.3f, \"cpu_us_per_task\": %.3f}\n", wall.count() / count,
              (cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN)) / count);
}
