#include "support/host_process.hpp"

#include "maze/core/codec.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::test {

namespace {

io::unique_fd memory_file(std::string_view content = {}) {
  io::unique_fd out(::memfd_create("maze-test", MFD_CLOEXEC));
  if (out.get() < 0 || !io::write_all(out.get(), content))
    throw std::runtime_error("memfd_create failed");
  return out;
}

std::string content_of(const io::unique_fd& file) {
  struct stat about {};
  ::fstat(file.get(), &about);
  std::string out(static_cast<std::size_t>(about.st_size), '\0');
  const ssize_t got = ::pread(file.get(), out.data(), out.size(), 0);
  out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return out;
}

/// Starts maze-host with these descriptors as 1 to 4, and no others.
pid_t start(const host_process::options& settings, const int (&fds)[4]) {
  std::vector<std::string> words{std::string(MAZE_BIN_DIR) + "/maze-host"};
  words.insert(words.end(), settings.arguments.begin(), settings.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  int high[4];
  for (int i = 0; i < 4; ++i)
    high[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, 100);
  const pid_t child = ::fork();
  if (child == 0) {
    const int none = ::open("/dev/null", O_RDWR);
    ::dup2(none, 0);
    for (int i = 0; i < 4; ++i)
      ::dup2(high[i], i + 1);
    ::close_range(5, ~0U, 0);
    for (const auto& [name, text] : settings.environment)
      ::setenv(name.c_str(), text.c_str(), 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  for (const int fd : high)
    ::close(fd);
  if (child < 0)
    throw std::runtime_error("fork failed");
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child)
    throw std::runtime_error("waitpid failed");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

} // namespace

host_process::host_process(const options& settings)
    : page_(memory_file(std::string(4096, '\0'))), out_(memory_file()), err_(memory_file()) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error("socketpair failed");
  socket_ = io::unique_fd(ends[0]);
  const io::unique_fd other(ends[1]);
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::pwrite(page_.get(), &token, sizeof token, 2 * sizeof token) != sizeof token)
    throw std::runtime_error("the page cannot be written");
  pid_ = start(settings, {out_.get(), err_.get(), other.get(), page_.get()});
}

host_process::~host_process() {
  if (pid_ <= 0)
    return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void host_process::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      throw std::runtime_error("nobody reads");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::optional<std::string> host_process::receive() {
  for (;;) {
    const auto next = messages_.next();
    if (!next)
      throw std::runtime_error(next.error().message);
    if (!next->empty())
      return std::string(*next);
    char bytes[65536];
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    // Whoever ends with input unread resets the line.
    if (got == 0 || (got < 0 && errno == ECONNRESET))
      return std::nullopt;
    if (got < 0)
      throw std::runtime_error(std::string("nothing comes: ") + std::strerror(errno));
    messages_.append({bytes, static_cast<std::size_t>(got)});
  }
}

void host_process::close() { ::shutdown(socket_.get(), SHUT_WR); }

int host_process::wait() {
  const int status = wait_for(pid_);
  pid_ = -1;
  return status;
}

std::uint64_t host_process::word(int index) const {
  std::uint64_t out = 0;
  if (::pread(page_.get(), &out, sizeof out, index * off_t{sizeof out}) != sizeof out)
    throw std::runtime_error("the page cannot be read");
  return out;
}

std::string host_process::printed() const { return content_of(out_); }

std::string host_process::complained() const { return content_of(err_); }

host_result run_host(const host_process::options& settings, std::string_view input) {
  const auto in = memory_file(input);
  const auto answer = memory_file();
  const auto out = memory_file();
  const auto err = memory_file();
  const pid_t child = start(settings, {out.get(), err.get(), in.get(), answer.get()});
  host_result result;
  result.status = wait_for(child);
  result.answer = content_of(answer);
  result.printed = content_of(out);
  result.complained = content_of(err);
  return result;
}

std::string call_batch(const std::vector<host_call>& calls) {
  core::call_message_writer writer;
  std::uint64_t number = 0;
  for (const host_call& each : calls)
    writer.add(++number, each.function, core::encode(each.arguments).value());
  std::string out;
  writer.finish(core::call_kind::calls, out);
  return out;
}

std::vector<host_reply> replies_in(std::string_view message) {
  const auto view = core::call_message_view::of(message);
  if (!view || view->header().kind != core::call_kind::replies)
    throw std::runtime_error("these are no replies");
  std::vector<host_reply> out;
  view->for_each([&out](const core::call_entry& each, std::string_view payload) {
    host_reply reply{.number = each.number};
    if (each.word == static_cast<std::uint32_t>(core::call_outcome::returned))
      reply.returned = core::decode(payload).value();
    else
      reply.failed = core::from_binary<core::error>(payload, "error").value();
    out.push_back(std::move(reply));
  });
  return out;
}

} // namespace maze::test
