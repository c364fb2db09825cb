#include "host/service.hpp"

#include "host/caller.hpp"
#include "host/end_guard.hpp"
#include "host/forked_call.hpp"
#include "host/libraries.hpp"
#include "host/progress_page.hpp"
#include "host/reply_buffer.hpp"
#include "maze/core/call_frames.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/function_call.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace maze::host {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds flush_after{500};
constexpr std::size_t flush_size = 256 * 1024;
constexpr std::size_t read_size = 64 * 1024;
/// Above what programs look at that close "all" descriptors or count on small numbers.
constexpr int high_fd = 500;

int broken(std::string_view why) {
  std::fprintf(stderr, "maze-host: %.*s\n", static_cast<int>(why.size()), why.data());
  return core::host_broken;
}

/// Moves a descriptor to where functions do not find it by chance and programs that they start do not inherit it;
/// -1 where it is not open.
int hide(int fd) {
  rlimit limit{};
  int least = high_fd;
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < high_fd + 16)
    least = limit.rlim_cur > 32 ? static_cast<int>(limit.rlim_cur) - 16 : 8;
  int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, least);
  if (moved < 0 && errno == EINVAL)
    moved = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 3);
  if (moved >= 0)
    ::close(fd);
  return moved;
}

/// Loads the libraries and says to `fd` what is wrong with them; nothing then.
std::optional<loaded_libraries> load(const options& given, int fd) {
  auto out = load_libraries(given.libraries);
  // A library may fork as it is loaded, and only one of the two is the host.
  if (is_copy())
    ::_exit(core::host_broken);
  if (out)
    return *std::move(out);
  write_message(fd,
                core::call_message(core::call_kind::refused, 0, 0, core::to_binary(out.error())));
  return std::nullopt;
}

bool say_ready(const loaded_libraries& libraries, int fd, std::uint64_t token) {
  return write_message(fd, core::call_message(core::call_kind::ready, token, core::call_protocol,
                                              core::encode_library_set(libraries.description)));
}

int describe(const options& given, int out) {
  reply_buffer none(out);
  guard_replies(none);
  const auto libraries = load(given, out);
  if (!libraries)
    return 1;
  return say_ready(*libraries, out, 0) ? 0 : broken("nobody can be told what the libraries offer");
}

void define_all(caller& functions, const core::call_message_view& message) {
  message.for_each([&functions](const core::call_entry& each, std::string_view definition) {
    functions.define(each.word, definition);
  });
}

/// The calls of a stream, until it ends.
class stream {
public:
  /// @param forks  where it is not null, how calls are made.
  stream(int fd, caller& functions, forked_calls* forks, reply_buffer& replies, progress_page& page)
      : fd_(fd),
        functions_(functions),
        forks_(forks),
        replies_(replies),
        page_(page),
        bytes_(read_size) {}

  int run() {
    for (;;) {
      const ssize_t got = receive();
      if (got < 0)
        return broken("the node cannot be read from or written to");
      if (got == 0)
        return messages_.pending() == 0 ? 0 : broken("the stream ended inside a message");
      messages_.append({bytes_.data(), static_cast<std::size_t>(got)});
      for (;;) {
        const auto message = messages_.next();
        if (!message)
          return broken(message.error().message);
        if (message->empty())
          break;
        if (const int status = answer(*message); status != 0)
          return status;
      }
    }
  }

private:
  /// Waits for input only when every reply has been written.
  ssize_t receive() {
    for (;;) {
      ssize_t got = ::recv(fd_, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        page_.note_memory(last_end_);
        if (!replies_.flush())
          return -1;
        got = ::recv(fd_, bytes_.data(), bytes_.size(), 0);
        last_end_ = flushed_ = clock::now();
      }
      if (got < 0 && errno == EINTR)
        continue;
      return got;
    }
  }

  int answer(std::string_view message) {
    const auto view = core::call_message_view::of(message);
    if (view && view->header().kind == core::call_kind::define) {
      define_all(functions_, *view);
      return 0;
    }
    if (!view || view->header().kind != core::call_kind::calls)
      return broken("the node sent a message that is none of calls");
    bool written = true;
    view->for_each([&](const core::call_entry& each, std::string_view arguments) {
      if (forks_ != nullptr) {
        forks_->call(each, arguments);
        last_end_ = clock::now();
      } else {
        last_end_ = functions_.call(each, arguments, last_end_);
      }
      if (replies_.waiting() < flush_size && last_end_ - flushed_ < flush_after)
        return;
      page_.note_memory(last_end_);
      written = written && replies_.flush();
      last_end_ = flushed_ = clock::now();
    });
    return written ? 0 : broken("nobody takes replies");
  }

  int fd_;
  caller& functions_;
  forked_calls* forks_;
  reply_buffer& replies_;
  progress_page& page_;
  core::call_message_reader messages_;
  std::vector<char> bytes_;
  clock::time_point last_end_ = clock::now();
  clock::time_point flushed_ = last_end_;
};

int serve_stream(const options& given, int socket, int progress) {
  auto page = progress_page::map(progress);
  if (!page)
    return broken("descriptor 4 is no page to count calls on");
  static reply_buffer replies(socket);
  guard_replies(replies);
  const auto libraries = load(given, socket);
  if (!libraries)
    return 1;
  if (!say_ready(*libraries, socket, page->token()))
    return broken("nobody takes the answer that this is ready");
  caller functions(*libraries, given.result_max, replies, page->begun());
  std::optional<forked_calls> forks;
  if (given.forks)
    forks.emplace(functions, replies, given.result_max, socket, given.memory_limited);
  const int status = stream(socket, functions, forks ? &*forks : nullptr, replies, *page).run();
  replies.flush();
  return status;
}

/// A file in memory.
std::optional<std::string_view> map_file(int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0 || about.st_size <= 0)
    return std::nullopt;
  const auto size = static_cast<std::size_t>(about.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED)
    return std::nullopt;
  return std::string_view(static_cast<const char*>(memory), size);
}

int serve_once(const options& given, int in, int out) {
  const auto file = map_file(in);
  if (!file)
    return broken("descriptor 3 is no file with calls");
  static reply_buffer replies(out);
  guard_replies(replies);
  const auto libraries = load(given, out);
  if (!libraries)
    return 1;
  caller functions(*libraries, given.result_max, replies, nullptr);
  core::call_message_reader messages;
  messages.append(*file);
  bool called = false;
  while (!called) {
    const auto message = messages.next();
    const auto view =
        message ? core::call_message_view::of(*message) : tl::unexpected(message.error());
    if (!view)
      return broken(view.error().message);
    if (view->header().kind == core::call_kind::define) {
      define_all(functions, *view);
      continue;
    }
    if (view->header().kind != core::call_kind::calls)
      return broken("the file has no calls in it");
    called = true;
    auto last_end = clock::now();
    view->for_each([&](const core::call_entry& each, std::string_view arguments) {
      last_end = functions.call(each, arguments, last_end);
    });
  }
  return replies.finish() ? 0 : broken("the replies cannot be written");
}

} // namespace

int serve(const options& given) {
  // Lines that were printed before a crash are seen.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  const int in = given.how == mode::describe ? -1 : hide(3);
  const int out = hide(4);
  if (out < 0 || (in < 0 && given.how != mode::describe))
    return broken("it wants descriptors 3 and 4 from the node that starts it");
  switch (given.how) {
  case mode::once:
    return serve_once(given, in, out);
  case mode::describe:
    return describe(given, out);
  default:
    return serve_stream(given, in, out);
  }
}

} // namespace maze::host
