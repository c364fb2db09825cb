#include "support/process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::test {

namespace {

std::filesystem::path output_file() {
  std::string name = "/tmp/maze-output-XXXXXX";
  const int fd = ::mkstemp(name.data());
  if (fd < 0)
    throw std::runtime_error("mkstemp " + name + " failed");
  ::fchmod(fd, 0666);
  ::close(fd);
  return name;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// What a developer or tools/test has set for maze is not meant for the nodes of tests.
void forget_inherited_settings() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (const std::string_view text = *entry; text.starts_with("MAZE_"))
      names.emplace_back(text.substr(0, text.find('=')));
  for (const std::string& name : names)
    ::unsetenv(name.c_str());
}

/// Runs in the child between fork and exec.
[[noreturn]] void become(const process::options& settings, const std::filesystem::path& out,
                         const std::filesystem::path& err) {
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(::open(out.c_str(), O_WRONLY | O_TRUNC), 1);
  ::dup2(::open(err.c_str(), O_WRONLY | O_TRUNC), 2);
  if (settings.user && (::setgid(*settings.user) != 0 || ::setuid(*settings.user) != 0))
    ::_exit(126);
  if (!settings.working_directory.empty() && ::chdir(settings.working_directory.c_str()) != 0)
    ::_exit(126);
  forget_inherited_settings();
  // A shell that runs the tests in the background has these ignored.
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP})
    ::signal(signal, SIG_DFL);
  for (const auto& [name, value] : settings.environment)
    ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& word : settings.argv)
    argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

bool is_number(const std::string& text) {
  return !text.empty()
         && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

process::process(const options& settings) : out_(output_file()), err_(output_file()) {
  pid_ = ::fork();
  if (pid_ < 0)
    throw std::runtime_error(std::string("fork failed: ") + std::strerror(errno));
  if (pid_ == 0)
    become(settings, out_, err_);
}

process::~process() {
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove(out_, ignored);
  std::filesystem::remove(err_, ignored);
}

void process::signal(int number) const {
  if (!reaped_)
    ::kill(pid_, number);
}

process_result process::wait() {
  int status = 0;
  while (!reaped_ && ::waitpid(pid_, &status, 0) < 0)
    if (errno != EINTR)
      throw std::runtime_error(std::string("waitpid failed: ") + std::strerror(errno));
  reaped_ = true;
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .standard_output = content_of(out_),
          .standard_error = content_of(err_)};
}

process_result run(const process::options& settings) { return process(settings).wait(); }

std::vector<pid_t> processes_with(const std::string& mark) {
  std::vector<pid_t> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (!is_number(name) || std::stoi(name) == ::getpid())
      continue;
    if (content_of(entry.path() / "environ").find(mark) != std::string::npos)
      out.push_back(std::stoi(name));
  }
  return out;
}

std::vector<pid_t> children_of(pid_t parent, const std::string& name) {
  std::vector<pid_t> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename();
    if (!is_number(pid))
      continue;
    // "pid (name) state parent …": the name may hold anything, so read from its last parenthesis on.
    const std::string stat = content_of(entry.path() / "stat");
    const auto open = stat.find('(');
    const auto close = stat.rfind(')');
    if (close == std::string::npos || stat.substr(open + 1, close - open - 1) != name)
      continue;
    std::istringstream rest(stat.substr(close + 1));
    std::string state;
    pid_t its_parent = 0;
    if (rest >> state >> its_parent && its_parent == parent)
      out.push_back(std::stoi(pid));
  }
  return out;
}

bool process::ends_within(std::chrono::milliseconds patience) const {
  const io::unique_fd handle{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  pollfd watched{handle.get(), POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(patience.count())) == 1;
}

bool wait_until_gone(pid_t pid) {
  const io::unique_fd handle{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!handle)
    return errno == ESRCH;
  pollfd watched{handle.get(), POLLIN, 0};
  return ::poll(&watched, 1, 10'000) == 1;
}

} // namespace maze::test
