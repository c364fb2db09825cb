#include "node/worker_processes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace maze::node {

namespace {

using clock = std::chrono::steady_clock;

/// `more`, and of this process's own environment everything else but settings of maze, which the flags
/// decide.
std::vector<std::string>
environment_of_worker(const std::map<std::string, std::string, std::less<>>& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("MAZE_") && more.find(text.substr(0, text.find('='))) == more.end())
      out.emplace_back(text);
  }
  for (const auto& [name, text] : more)
    out.push_back(name + '=' + text);
  return out;
}

/// What `exec` takes; points into `words`.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words)
    out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

/// How the child begins: no terminal's signals reach it, and none is blocked or ignored.
class spawn_rules {
public:
  explicit spawn_rules(int input) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &usual);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
                                                 | POSIX_SPAWN_SETPGROUP);
  }
  spawn_rules(const spawn_rules&) = delete;
  spawn_rules& operator=(const spawn_rules&) = delete;
  ~spawn_rules() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// The kernel names a process after the last part of its program's path.
std::filesystem::path own_program() {
  const std::filesystem::path link = "/proc/self/exe";
  std::error_code failed;
  const auto program = std::filesystem::read_symlink(link, failed);
  // The program may have been replaced since; what runs is still there behind the link.
  return !failed && std::filesystem::exists(program, failed) ? program : link;
}

std::string describe_end(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit code {}", WEXITSTATUS(status));
}

int milliseconds_until(clock::time_point when) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

} // namespace

core::result<std::unique_ptr<worker_processes>>
worker_processes::start(std::vector<call> calls, io::log& log,
                        std::function<void(const std::string& why)> on_hopeless) {
  std::unique_ptr<worker_processes> out{new worker_processes(log, std::move(on_hopeless))};
  out->stop_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!out->stop_)
    return core::fail(io::errno_error("make an event descriptor", errno));
  for (call& how : calls) {
    out->children_.emplace_back().how = std::move(how);
    if (auto spawned = spawn(out->children_.back()); !spawned)
      return core::fail(spawned.error());
  }
  out->supervisor_ = std::thread([self = out.get()] { self->supervise(); });
  return out;
}

core::result<void> worker_processes::spawn(child& one) {
  one.started = clock::now();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return core::fail(io::errno_error("make a pipe", errno));
  const io::unique_fd reading{ends[0]};
  one.input.reset(ends[1]);
  std::vector<std::string> words{"maze-node"};
  words.insert(words.end(), one.how.arguments.begin(), one.how.arguments.end());
  auto variables = environment_of_worker(one.how.environment);
  const spawn_rules rules(reading.get());
  const int failed =
      ::posix_spawn(&one.pid, own_program().c_str(), rules.actions(), rules.attributes(),
                    pointers_to(words).data(), pointers_to(variables).data());
  if (failed != 0) {
    one.pid = -1;
    return core::fail(io::errno_error("start a worker node", failed));
  }
  one.process.reset(static_cast<int>(::syscall(SYS_pidfd_open, one.pid, 0)));
  if (!one.process)
    return core::fail(io::errno_error("watch a worker node", errno));
  return {};
}

void worker_processes::supervise() {
  for (;;) {
    std::vector<pollfd> watched{{stop_.get(), POLLIN, 0}};
    std::optional<clock::time_point> next_start;
    for (child& one : children_) {
      if (!one.process && clock::now() >= one.started + restart_pause)
        start_again(one);
      if (!one.process)
        next_start =
            std::min(next_start.value_or(clock::time_point::max()), one.started + restart_pause);
      watched.push_back({one.process ? one.process.get() : -1, POLLIN, 0});
    }
    if (::poll(watched.data(), watched.size(), next_start ? milliseconds_until(*next_start) : -1)
        < 0)
      continue;
    if (watched.front().revents != 0)
      return;
    for (std::size_t i = 0; i < children_.size(); ++i)
      if (watched[i + 1].revents != 0)
        reap(children_[i]);
  }
}

void worker_processes::start_again(child& one) {
  if (auto spawned = spawn(one); !spawned)
    log_.event(io::log_level::error, "a worker node cannot be started again",
               {{"reason", core::describe(spawned.error())}});
}

void worker_processes::reap(child& one) {
  int status = 0;
  while (::waitpid(one.pid, &status, 0) < 0 && errno == EINTR) {
  }
  log_.event(io::log_level::warning, "a worker node ended; starting it again",
             {{"process", std::to_string(one.pid)}, {"end", describe_end(status)}});
  one.failures = clock::now() - one.started > 10 * restart_pause ? 0 : one.failures + 1;
  one.pid = -1;
  one.process.reset();
  one.input.reset();
  const bool hopeless = std::all_of(children_.begin(), children_.end(), [](const child& each) {
    return each.pid < 0 && each.failures > restarts_max;
  });
  if (hopeless && on_hopeless_)
    std::exchange(on_hopeless_, nullptr)(fmt::format(
        "no worker node stays alive; the last one ended with {}", describe_end(status)));
}

void worker_processes::begin_end() {
  if (supervisor_.joinable()) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto told = ::write(stop_.get(), &one, sizeof one);
    supervisor_.join();
  }
  for (child& one : children_)
    one.input.reset();
}

bool worker_processes::ends_within(std::chrono::milliseconds patience) {
  const auto until = clock::now() + patience;
  return std::all_of(children_.begin(), children_.end(), [until](const child& one) {
    if (!one.process)
      return one.pid < 0;
    pollfd end{one.process.get(), POLLIN, 0};
    return ::poll(&end, 1, milliseconds_until(until)) > 0;
  });
}

worker_processes::~worker_processes() {
  begin_end();
  for (const child& one : children_) {
    if (one.pid < 0)
      continue;
    ::kill(one.pid, SIGKILL);
    int status = 0;
    while (::waitpid(one.pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
}

} // namespace maze::node
