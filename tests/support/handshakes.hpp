#pragma once

#include "maze/io/handshake.hpp"
#include "maze/io/tls.hpp"
#include "support/cluster_keys.hpp"
#include "support/sockets.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace maze::test {

inline io::hello hello_of(const io::credentials& who, io::plane purpose = io::plane::control) {
  return {.protocol = {.version = "0.1.0", .types = 1},
          .purpose = purpose,
          .who = who.self,
          .incarnation = 1};
}

/// Two ends of one handshake over a pair of sockets, both driven by one thread.
struct handshake_pair {
  io::handshake_settings server_settings;
  io::handshake_settings client_settings;
  std::unique_ptr<io::handshake> server;
  std::unique_ptr<io::handshake> client;

  handshake_pair(io::handshake_settings for_server, io::handshake_settings for_client)
      : server_settings(std::move(for_server)), client_settings(std::move(for_client)) {
    auto [a, b] = socket_pair();
    server = must(
        io::handshake::start(std::move(a), io::tls_side::accepts, server_settings, "the client"));
    client = must(
        io::handshake::start(std::move(b), io::tls_side::connects, client_settings, "the server"));
  }
  handshake_pair(const handshake_pair&) = delete;
  handshake_pair& operator=(const handshake_pair&) = delete;

  /// Goes on until both ends are finished.
  std::pair<io::handshake_step, io::handshake_step> run() {
    for (int i = 0; i < 1000; ++i) {
      const auto theirs = server ? server->advance() : io::handshake_step::failed;
      // What failed hangs up, as an acceptor would.
      if (server && theirs == io::handshake_step::failed)
        hang_up();
      const auto ours = client->advance();
      if (finished(theirs) && finished(ours))
        return {theirs, ours};
    }
    throw std::runtime_error("the handshake never ended");
  }
  std::optional<io::hello_fault> server_fault;

private:
  static bool finished(io::handshake_step x) {
    return x == io::handshake_step::done || x == io::handshake_step::failed;
  }
  void hang_up() {
    server_fault = server->fault();
    server.reset();
  }
};

/// Two ends of one established stream under TLS.
inline std::pair<io::connection, io::connection> tls_streams(const io::tls_context& server,
                                                             const io::hello& server_hello,
                                                             const io::tls_context& client,
                                                             const io::hello& client_hello) {
  handshake_pair pair({.own = server_hello, .tls = &server}, {.own = client_hello, .tls = &client});
  if (pair.run() != std::pair(io::handshake_step::done, io::handshake_step::done))
    throw std::runtime_error("the handshake failed: " + pair.client->fault().what.message);
  return {pair.server->take(), pair.client->take()};
}

} // namespace maze::test
