#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace maze::gateway {

/// Reads lines from a descriptor.
class line_reader {
public:
  /// `fd` is not owned.
  line_reader(int fd, std::size_t line_max) : fd_(fd), line_max_(line_max) {}

  /// The next line, without its end; one that is too long is cut to its first `line_max` + 1 bytes. The last one need not have an end. Nothing once there
  /// are no more.
  /// @note Blocks.
  std::optional<std::string> next();

private:
  int fd_;
  std::size_t line_max_;
  std::string ahead_;
  bool ended_ = false;
};

} // namespace maze::gateway
