#pragma once

#include "maze/core/result.hpp"
#include "maze/core/units.hpp"
#include "maze/io/http_message.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace maze::io {

struct http_limits {
  /// So many requests can be answered at once: one for each connection.
  std::uint32_t connections_max = 64;
  /// Bytes of the first line and all headers.
  std::uint32_t head_max = std::uint32_t{16} << 10;
  /// For a request to come, from the end of the answer before it: also the life of an idle connection.
  core::duration head_time = std::chrono::seconds(30);
  core::duration body_time = std::chrono::minutes(2);
  core::duration send_time = std::chrono::minutes(10);
};

/// Both are called from threads of the server, several at once, and must not throw.
struct http_handlers {
  /// Looks at a request before its content is read: @returns how many bytes of content it may have, or why it is refused.
  std::function<tl::expected<std::uint64_t, http_reply>(const http_request&)> admit;
  /// May block.
  std::function<http_reply(http_request)> answer;
};

/// Serves HTTP/1.1 (RFC 9112) on the loopback address 127.0.0.1, and nowhere else. HEAD is answered as GET is, without the content.
///
/// When all connections are taken, a newcomer gets the place of the one that has been waiting longest for its next
/// request; so who opens many and sends nothing keeps nobody out.
/// @note The destructor waits for answers that are being made and up to two seconds for them to be sent, and ends all connections.
class http_server {
public:
  /// `port` 0 stands for any free one. Fails with `already_exists` where the port is taken, with `permission_denied`
  /// where this user may not have it, else with `io_error`.
  static core::result<std::unique_ptr<http_server>> open(std::uint16_t port, http_handlers handlers,
                                                         const http_limits& limits = {});
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;
  ~http_server();

  [[nodiscard]] std::uint16_t port() const noexcept;

private:
  class service;
  explicit http_server(std::shared_ptr<service> runs);
  std::shared_ptr<service> service_;
};

} // namespace maze::io
