#pragma once

#include "maze/io/files.hpp"

#include <optional>
#include <string>

namespace maze::node {

/// Splits the process: the child goes on in a session of its own, without a terminal, and the parent waits
/// for its news.
///
/// @note Make it before any thread.
class background {
public:
  /// @returns in the child: nothing. In the parent: the exit code to end with, once the child has called
  /// `ready` or `failed` or has ended; what it said was printed.
  std::optional<int> enter();

  /// In the child: the parent prints `text` on standard output and ends with 0.
  void ready(const std::string& text);
  /// In the child: the parent prints `text` on standard error and ends with `code`.
  void failed(int code, const std::string& text);

private:
  int wait_for_news(io::unique_fd news);
  void tell(char code, const std::string& text);

  io::unique_fd news_;
};

} // namespace maze::node
