#pragma once

#include "maze/io/tls.hpp"
#include "maze/io/transport.hpp"
#include "support/cluster_keys.hpp"
#include "support/sockets.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <utility>

/// What those say who knock at a master's door and do not belong there.
namespace maze::test {

/// What an honest node says first on TCP.
inline std::string client_hello(const io::tls_context& own) {
  auto [near, far] = socket_pair();
  io::transport sut(std::move(near), nullptr);
  auto session = must(own.session(sut.fd(), io::tls_side::connects, nullptr));
  static_cast<void>(SSL_do_handshake(session.get()));
  ERR_clear_error();
  std::string bytes(16 << 10, ' ');
  const auto got = ::recv(far.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

/// One of 64 kinds of bytes that no honest node sends, the seed's own.
inline std::string garbage(std::uint64_t seed, const std::string& honest_tls,
                           const std::string& honest_hello) {
  std::mt19937_64 random(seed);
  std::string noise(1 + random() % 8000, ' ');
  for (auto& c : noise)
    c = static_cast<char>(random());
  switch (seed % 8) {
  case 0:
    return noise;
  case 1:
    return "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  case 2:
    return "MAZE" + noise;
  case 3:
    return "\x16\x03\x01" + noise;
  case 4:
  case 5: {
    auto mutant = seed % 8 == 4 ? honest_tls : honest_hello;
    // The header's bytes only: elsewhere a change may well leave an honest message.
    for (int i = 0; i < 3; ++i)
      mutant[random() % 5] = static_cast<char>(random() | 1);
    return mutant + noise;
  }
  case 6:
    return std::string(noise.size(), '\0');
  default:
    return honest_hello.substr(0, 6) + "\xff\xff" + noise;
  }
}

/// Raises the limit of open files for a flood of connections; why it cannot, otherwise.
inline std::optional<std::string> many_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t wanted = 4096;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(wanted, limit.rlim_max));
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted)
    return std::nullopt;
  return "needs 4096 descriptors";
}

} // namespace maze::test
