#pragma once

#include "maze/io/http_server.hpp"
#include "support/sockets.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace maze::test {

/// A server whose answers say what it was asked, and connections to it.
class http_talk {
public:
  explicit http_talk(const io::http_limits& limits = {}, std::uint64_t body_max = 100) {
    io::http_handlers handlers{
        .admit = [body_max](
                     const io::http_request& asked) -> tl::expected<std::uint64_t, io::http_reply> {
          if (asked.header("authorization") == "no")
            return tl::unexpected(
                io::http_reply{.status = 401, .type = "text/plain", .body = "no"});
          return body_max;
        },
        .answer =
            [this](io::http_request asked) {
              if (answers)
                return answers(std::move(asked));
              io::http_reply out{.type = "text/plain"};
              out.body = asked.method + " "
                         + (asked.target.path.empty() ? "" : asked.target.path.front()) + " "
                         + asked.body;
              return out;
            }};
    auto opened = io::http_server::open(0, std::move(handlers), limits);
    if (!opened)
      FAIL(core::describe(opened.error()));
    server = std::move(*opened);
  }

  [[nodiscard]] io::unique_fd connect() const {
    return dial(io::tcp_endpoint{.host = "127.0.0.1", .port = server->port()});
  }
  /// All that comes back until the server closes the connection.
  [[nodiscard]] std::string ask(std::string_view bytes) const {
    const auto fd = connect();
    push(fd.get(), bytes);
    return drain(fd.get());
  }
  [[nodiscard]] static std::string get(std::string_view path, std::string_view more = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
           + std::string(more) + "\r\n";
  }
  [[nodiscard]] static std::string post(std::string_view body, std::string_view more = {}) {
    return "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
           + std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(body);
  }

  std::function<io::http_reply(io::http_request)> answers;
  std::unique_ptr<io::http_server> server;
};

} // namespace maze::test
