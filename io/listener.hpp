#pragma once

#include "maze/core/result.hpp"
#include "maze/io/endpoint.hpp"
#include "maze/io/files.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace maze::io {

/// A connection that came in; nothing is known of it but where from.
struct incoming {
  /// Non-blocking.
  unique_fd fd;
  /// For logs: `tcp:10.0.0.7:5123`, `unix:process 4711`.
  std::string address;
  /// Connections of one origin have this in common: an address, a network, a process.
  std::string origin;
  /// On a UNIX socket: the user of the process that connected.
  std::optional<uid_t> user;
};

/// A socket that listens. A UNIX socket lies in a folder of mode 0700, which is made if it is not
/// there, and vanishes with the listener.
///
/// @note Movable; one thread at a time.
class listener {
public:
  /// Fails with `already_exists` when something else listens there or the path is no socket, with
  /// `permission_denied` when others may enter the folder. A socket that a dead process left is
  /// replaced. `at` is a TCP endpoint of port 0 for any free port.
  static core::result<listener> open(const endpoint& at);
  listener(listener&& other) noexcept;
  listener& operator=(listener&& other) = delete;
  ~listener();

  /// The next connection; fails with errno's number: EAGAIN when there is none.
  tl::expected<incoming, int> accept();
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// With the real port.
  [[nodiscard]] const endpoint& at() const noexcept { return at_; }

private:
  listener(unique_fd fd, endpoint at) : fd_(std::move(fd)), at_(std::move(at)) {}

  unique_fd fd_;
  endpoint at_;
};

} // namespace maze::io
