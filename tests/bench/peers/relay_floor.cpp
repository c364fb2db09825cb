// The least that a call through master and node can cost: four processes, client -> master -> node ->
// child, pass records of fixed size over UNIX sockets, each from a plain epoll loop. The master holds
// back what waits for other tasks, and at most 1,024 calls are unfinished at the node. No actors, no
// names, no retries, no TLS: what a runtime adds is the difference to this.
//
//   relay_floor SHAPE N [--durable FILE] [--child PROGRAM WORDS...]
//
// SHAPE: independent, lone (one after the other), chain, or layered (N tasks in as many layers as each
// is wide, each task needs three of the layer before). FILE gets each result, and fdatasync, before the
// client sees it. PROGRAM speaks on fd 3 in place of the built-in child, which adds 1 to its argument.
//
// Prints {"shape", "n", "value", "unit", "cpu_us_per_task"} with the CPU time of all processes; value is
// us a task, for lone the median, beside "p99_us".

#include "relay_master.hpp"
#include "relay_stream.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <utility>
#include <vector>

using namespace floor_of_calls;

namespace {

struct options {
  std::string shape;
  std::uint32_t tasks = 0;
  const char* durable = nullptr;
  char** child = nullptr;
};

void run_node(int to_master, int to_child) {
  stream up(to_master), down(to_child);
  poller poll;
  poll.add(up);
  poll.add(down);
  for (bool open = true; open;) {
    poll.wait([&](stream& x) {
      open = x.fill() && open;
      x.pass_to(&x == &up ? down : up);
    });
    poll.flush(down);
    poll.flush(up);
  }
}

void run_child(int fd) {
  std::vector<call> calls(4096);
  for (std::size_t filled = 0;;) {
    auto* bytes = reinterpret_cast<char*>(calls.data());
    const auto size = read(fd, bytes + filled, calls.size() * sizeof(call) - filled);
    if (size <= 0)
      return;
    filled += static_cast<std::size_t>(size);
    const auto whole = filled / sizeof(call);
    for (std::size_t i = 0; i < whole; ++i)
      ++calls[i].value;
    for (std::size_t at = 0; at < whole * sizeof(call);) {
      const auto sent = send(fd, bytes + at, whole * sizeof(call) - at, MSG_NOSIGNAL);
      if (sent < 0)
        return;
      at += static_cast<std::size_t>(sent);
    }
    filled -= whole * sizeof(call);
    std::memmove(bytes, bytes + whole * sizeof(call), filled);
  }
}

/// The three other processes. They end when the client's socket is closed, or the client dies.
class processes {
public:
  explicit processes(const options& wanted) {
    for (auto& pair : pairs_)
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
        give_up("socketpair");
    start(0, pairs_[0][1], pairs_[1][0],
          [&] { master(pairs_[0][1], pairs_[1][0], wanted.durable).run(); });
    start(1, pairs_[1][1], pairs_[2][0], [&] { run_node(pairs_[1][1], pairs_[2][0]); });
    start(2, pairs_[2][1], -1, [&] {
      if (!wanted.child)
        return run_child(pairs_[2][1]);
      // dup2 of a descriptor onto itself would leave it closed on exec.
      const int moved = fcntl(pairs_[2][1], F_DUPFD_CLOEXEC, 10);
      if (moved < 0 || dup2(moved, 3) < 0)
        give_up("dup2");
      execvp(wanted.child[0], wanted.child);
      give_up(wanted.child[0]);
    });
    close_all_but(pairs_[0][0], -1);
  }
  processes(const processes&) = delete;
  processes& operator=(const processes&) = delete;
  ~processes() {
    close(client());
    for (const auto pid : pids_)
      waitpid(pid, nullptr, 0);
  }

  [[nodiscard]] int client() const noexcept { return pairs_[0][0]; }

  /// Microseconds that all processes and this one have used.
  [[nodiscard]] double cpu_us() const {
    double sum = 0;
    for (const auto pid : {pids_[0], pids_[1], pids_[2], getpid()}) {
      clockid_t clock{};
      timespec used{};
      if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        give_up("clock_getcpuclockid");
      sum += static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
    }
    return sum;
  }

private:
  void close_all_but(int one, int other) const {
    for (const auto& pair : pairs_)
      for (const int fd : pair)
        if (fd != one && fd != other)
          close(fd);
  }

  void start(std::size_t place, int one, int other, const auto& body) {
    const auto parent = getpid();
    pids_[place] = fork();
    if (pids_[place] < 0)
      give_up("fork");
    if (pids_[place] > 0)
      return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
      std::_Exit(1);
    close_all_but(one, other);
    body();
    std::_Exit(0);
  }

  std::array<std::array<int, 2>, 3> pairs_{};
  std::array<pid_t, 3> pids_{};
};

/// Submits tasks and checks that each result comes once and is right.
class client {
public:
  explicit client(int fd) : master_(fd) { poller_.add(master_); }

  std::uint32_t submit(std::vector<std::uint32_t> needs) {
    submission one{.task = static_cast<std::uint32_t>(expected_.size()),
                   .argument = expected_.size()};
    auto value = one.argument + 1;
    for (const auto needed : needs) {
      one.needs[one.needed++] = needed;
      value += expected_[needed];
    }
    expected_.push_back(value);
    seen_.push_back(false);
    master_.put(&one, sizeof one);
    if (expected_.size() % 1024 == 0)
      poller_.flush(master_);
    return one.task;
  }

  void wait_for_all() {
    poller_.flush(master_);
    while (results_ < expected_.size()) {
      poller_.wait([this](stream& x) {
        if (!x.fill())
          fail("a process ended early");
        x.each<call>([this](const call& one) { check(one); });
      });
      if (master_.has_output())
        poller_.flush(master_);
    }
  }

private:
  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "relay_floor: %s\n", why);
    std::exit(1);
  }

  void check(const call& one) {
    if (one.task >= expected_.size() || seen_[one.task] || one.value != expected_[one.task])
      fail("a result is wrong, or came twice");
    seen_[one.task] = true;
    ++results_;
  }

  stream master_;
  poller poller_;
  std::vector<std::uint64_t> expected_;
  std::vector<bool> seen_;
  std::size_t results_ = 0;
};

double us_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

void submit_layers(client& to, std::uint32_t width) {
  std::vector<std::uint32_t> before, layer;
  for (std::uint32_t l = 0; l < width; ++l, before = std::exchange(layer, {}))
    for (std::uint32_t i = 0; i < width; ++i)
      layer.push_back(to.submit(l == 0 ? std::vector<std::uint32_t>{}
                                       : std::vector{before[(i * 7 + l) % width],
                                                     before[(i * 7 + 13 + l) % width],
                                                     before[(i * 7 + 26 + l) % width]}));
}

/// Runs the shape; the times of lone calls, sorted, nothing for other shapes.
std::vector<double> run_shape(client& sut, const options& wanted) {
  std::vector<double> lone;
  std::vector<std::uint32_t> last;
  if (wanted.shape == "layered")
    submit_layers(sut, static_cast<std::uint32_t>(std::sqrt(wanted.tasks)));
  else
    for (std::uint32_t i = 0; i < wanted.tasks; ++i) {
      const auto began = std::chrono::steady_clock::now();
      const auto task = sut.submit(last);
      if (wanted.shape == "chain")
        last = {task};
      if (wanted.shape == "lone") {
        sut.wait_for_all();
        lone.push_back(us_since(began));
      }
    }
  sut.wait_for_all();
  std::sort(lone.begin(), lone.end());
  return lone;
}

void measure(const options& wanted) {
  const processes others(wanted);
  client sut(others.client());
  run_shape(sut, {.shape = "lone", .tasks = 100});
  const auto cpu_before = others.cpu_us();
  const auto began = std::chrono::steady_clock::now();
  const auto lone = run_shape(sut, wanted);
  const auto wall = us_since(began);
  const auto count = static_cast<double>(wanted.tasks);
  std::printf(
      "{\"shape\": \"%s\", \"n\": %u, \"value\": %.3f, \"unit\": \"%s\", \"cpu_us_per_task\": %.3f",
      wanted.shape.c_str(), wanted.tasks, lone.empty() ? wall / count : lone[lone.size() / 2],
      lone.empty() ? "us/task" : "us", (others.cpu_us() - cpu_before) / count);
  if (!lone.empty())
    std::printf(", \"p99_us\": %.3f", lone[lone.size() * 99 / 100]);
  std::puts("}");
}

/// Whether the words say what to measure; layered takes the square below N.
bool parse(int argc, char** argv, options& x) {
  if (argc < 3)
    return false;
  x.shape = argv[1];
  const std::string_view number = argv[2];
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), x.tasks);
  if (error != std::errc{} || end != number.data() + number.size() || x.tasks == 0
      || x.tasks > 100'000'000)
    return false;
  for (int i = 3; i + 1 < argc && !x.child; ++i)
    if (std::string_view(argv[i]) == "--durable")
      x.durable = argv[++i];
    else if (std::string_view(argv[i]) == "--child")
      x.child = argv + i + 1;
    else
      return false;
  if (x.shape == "layered") {
    const auto width = static_cast<std::uint32_t>(std::sqrt(x.tasks));
    x.tasks = width * width;
  }
  return x.shape == "independent" || x.shape == "lone" || x.shape == "chain"
         || x.shape == "layered";
}

} // namespace

int main(int argc, char** argv) {
  options wanted;
  if (!parse(argc, argv, wanted)) {
    std::fputs("usage: relay_floor independent|lone|chain|layered N [--durable FILE] [--child "
               "PROGRAM WORDS...]\n",
               stderr);
    return 2;
  }
  measure(wanted);
}
