#include "host/forked_call.hpp"

#include "host/end_guard.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/function_call.hpp"
#include "maze/io/files.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::host {

namespace {

constexpr int high_fd = 480;
/// Generations of processes that are ended after a call.
constexpr int rounds_max = 1000;
/// Beside the result itself: a header, an entry, and the text of an error.
constexpr std::size_t answer_room = 64 * 1024;

/// @param said_nothing  not a byte of an answer came
core::error ended_without_answer(int status, bool memory_limited, bool said_nothing) {
  if (memory_limited && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    return {.code = core::errc::oom_killed,
            .message = "the function was killed, as the kernel does with one that has more memory "
                       "than its limit",
            .origin = "execute",
            .signal = SIGKILL};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !said_nothing)
    return {.code = core::errc::invalid_payload,
            .message = "what the child gave as its result is none: the function wrote to a "
                       "descriptor that it had not opened",
            .origin = "execute"};
  if (WIFSIGNALED(status))
    // No function gets the one signal from within: somebody killed its process.
    return {.code = WTERMSIG(status) == SIGKILL ? core::errc::worker_crash : core::errc::signalled,
            .message = fmt::format("the function was killed by signal {} ({})", WTERMSIG(status),
                                   ::strsignal(WTERMSIG(status))),
            .origin = "execute",
            .signal = WTERMSIG(status)};
  return {.code = core::errc::exit_nonzero,
          .message = core::instead_of_returning(WEXITSTATUS(status)),
          .origin = "execute",
          .exit_code = WEXITSTATUS(status)};
}

core::error not_made(std::string_view what) {
  return {.code = core::errc::resource_exhausted,
          .message =
              fmt::format("a {} for the call cannot be made: {}", what, std::strerror(errno)),
          .origin = "execute"};
}

/// Whether more may come.
bool take_some(int from, std::string& into, std::size_t most) {
  std::array<char, 64 * 1024> bytes{};
  for (;;) {
    const ssize_t got = ::read(from, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return errno == EAGAIN;
    if (got == 0)
      return false;
    // Who writes without end is not one of ours; the rest is thrown away.
    if (into.size() <= most)
      into.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

} // namespace

forked_calls::forked_calls(caller& functions, reply_buffer& replies, std::uint64_t result_max,
                           int stream, bool memory_limited)
    : functions_(functions),
      replies_(replies),
      answer_max_(result_max + answer_room),
      stream_(stream),
      memory_limited_(memory_limited) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void forked_calls::fail(std::uint64_t call, const core::error& why) {
  replies_.add(call, core::call_outcome::failed, core::to_binary(why));
}

void forked_calls::call(const core::call_entry& what, std::string_view arguments) {
  const auto begin = std::chrono::steady_clock::now();
  // A copy would print it again.
  std::fflush(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(what.number, not_made("pipe"));
  const io::unique_fd from(ends[0]);
  // Out of the way of functions that count on small numbers, or close them.
  io::unique_fd to(::fcntl(ends[1], F_DUPFD_CLOEXEC, high_fd));
  if (to)
    ::close(ends[1]);
  else
    to.reset(ends[1]);
  const pid_t copy = ::fork();
  if (copy == 0) {
    ::close(stream_);
    ::close(from.get());
    // Of its own, so that what earlier calls left to be said is said once.
    static reply_buffer answer(to.get());
    become_host(answer);
    caller(functions_, answer).call(what, arguments, begin);
    ::_exit(answer.flush() ? 0 : core::host_broken);
  }
  if (copy < 0)
    return fail(what.number, not_made("process"));
  to.reset();
  int status = 0;
  const std::string answer = collect(from.get(), copy, status);
  end_leftovers();
  const auto view = core::call_message_view::of(answer);
  const bool whole = view && view->header().kind == core::call_kind::replies && view->size() == 1;
  if (!whole)
    fail(what.number, ended_without_answer(status, memory_limited_, answer.empty()));
  else
    view->for_each([&](const core::call_entry& each, std::string_view payload) {
      replies_.add(what.number, static_cast<core::call_outcome>(each.word), payload);
    });
  replies_.spent(std::chrono::steady_clock::now() - begin);
}

std::string forked_calls::collect(int from, pid_t copy, int& status) const {
  std::string out;
  // Something that the copy started may hold the pipe's other end longer than the copy lives.
  const io::unique_fd alive(static_cast<int>(::syscall(SYS_pidfd_open, copy, 0)));
  ::fcntl(from, F_SETFL, O_NONBLOCK);
  std::array<pollfd, 2> watched{pollfd{from, POLLIN, 0}, pollfd{alive.get(), POLLIN, 0}};
  while (alive) {
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
      break;
    const bool ended = watched[1].revents != 0;
    if (!take_some(from, out, answer_max_) && !ended)
      watched[0].fd = -1;
    if (ended)
      break;
  }
  while (::waitpid(copy, &status, 0) < 0 && errno == EINTR) {
  }
  take_some(from, out, answer_max_);
  return out;
}

/// A process that ended its parent comes here, until it is told to end as well.
void forked_calls::end_leftovers() {
  // Alone in a pid namespace, whose first process only waits: all at once, or those that go on making others outrun us.
  const bool alone = ::getppid() == 0;
  for (int round = 0; round < rounds_max; ++round) {
    if (alone)
      ::kill(-1, SIGKILL);
    int status = 0;
    const pid_t gone = ::waitpid(-1, &status, WNOHANG);
    if (gone < 0)
      return;
    if (gone > 0)
      continue;
    std::array<char, 4096> list{};
    const io::unique_fd children(::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
    const ssize_t got = children ? ::read(children.get(), list.data(), list.size()) : -1;
    if (got <= 0)
      return;
    for (const char *at = list.data(), *const end = at + got; at < end; ++at) {
      pid_t pid = 0;
      const auto [next, failed] = std::from_chars(at, end, pid);
      // The list may be cut in the middle of a number; that one comes first the next time.
      if (failed == std::errc() && next < end)
        ::kill(pid, SIGKILL);
      at = next;
    }
    ::waitpid(-1, &status, 0);
  }
}

} // namespace maze::host
