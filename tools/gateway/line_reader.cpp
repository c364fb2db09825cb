#include "gateway/line_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unistd.h>

namespace maze::gateway {

std::optional<std::string> line_reader::next() {
  std::string line;
  const auto take = [&](std::size_t count) {
    const std::size_t room = line_max_ + 1 - std::min(line.size(), line_max_ + 1);
    line.append(ahead_, 0, std::min(count, room));
  };
  for (;;) {
    if (const auto end = ahead_.find('\n'); end != std::string::npos) {
      take(end);
      ahead_.erase(0, end + 1);
      return line;
    }
    take(ahead_.size());
    ahead_.clear();
    if (ended_)
      return line.empty() ? std::nullopt : std::optional(std::move(line));
    std::array<char, 65536> more{};
    const auto count = ::read(fd_, more.data(), more.size());
    if (count > 0)
      ahead_.assign(more.data(), static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR)
      ended_ = true;
  }
}

} // namespace maze::gateway
