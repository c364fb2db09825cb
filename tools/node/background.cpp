#include "node/background.hpp"

#include "node/commands.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

namespace maze::node {

std::optional<int> background::enter() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    std::cerr << "maze-node: " << io::errno_error("pipe", errno).message << '\n';
    return exit_code::refused;
  }
  io::unique_fd reading{ends[0]};
  news_.reset(ends[1]);
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) {
    std::cerr << "maze-node: " << io::errno_error("fork", errno).message << '\n';
    return exit_code::refused;
  }
  if (child > 0) {
    news_.reset();
    return wait_for_news(std::move(reading));
  }
  ::setsid();
  const int nothing = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd)
    ::dup2(nothing, fd);
  if (nothing > 2)
    ::close(nothing);
  return std::nullopt;
}

int background::wait_for_news(io::unique_fd news) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const auto count = ::read(news.get(), part.data(), part.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break;
    text.append(part.data(), static_cast<std::size_t>(count));
  }
  if (text.empty()) {
    std::cerr << "maze-node: the node ended before it was ready; its log says more\n";
    return exit_code::refused;
  }
  const int code = text.front();
  (code == exit_code::done ? std::cout : std::cerr) << text.substr(1) << std::flush;
  return code;
}

void background::tell(char code, const std::string& text) {
  // Nobody to tell is no reason to end: the parent may have been killed.
  if (news_)
    static_cast<void>(io::write_all(news_.get(), std::string(1, code) + text));
  news_.reset();
}

void background::ready(const std::string& text) { tell(exit_code::done, text); }

void background::failed(int code, const std::string& text) { tell(static_cast<char>(code), text); }

} // namespace maze::node
