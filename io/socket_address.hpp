#pragma once

#include "maze/core/result.hpp"
#include "maze/io/endpoint.hpp"
#include "maze/io/stream.hpp"

#include <cstdint>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace maze::io {

/// An address as the kernel takes it.
struct socket_address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  [[nodiscard]] sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
};

/// The addresses of an endpoint, at least one. A host's name is looked up, until `until` at most: then
/// `transfer_error`; a name that nobody knows is `not_found`.
/// @param listen  An address to listen on, so that `0.0.0.0` and `::` have their meaning.
core::result<std::vector<socket_address>> resolve(const endpoint& x, bool listen, deadline until);

/// The endpoint of an IPv4 or IPv6 address; of an IPv4 address in an IPv6 one, the former.
tcp_endpoint to_tcp_endpoint(const socket_address& x);

/// What connections of one origin have in common: the IPv4 address, or the IPv6 /64 network, which is
/// what one site usually gets.
std::string origin_of(const socket_address& x);

} // namespace maze::io
