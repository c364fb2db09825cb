#include "maze/io/socket_address.hpp"

#include "support/sockets.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace maze;
using core::errc;
using test::patience;

namespace {

io::socket_address address(const std::string& host) {
  const auto found = io::resolve(io::tcp_endpoint{host, 80}, false, patience());
  REQUIRE(found);
  return found->front();
}

} // namespace

TEST_CASE("addresses need no name service, names do", "[io][socket_address]") {
  CHECK(to_tcp_endpoint(address("10.1.2.3")) == io::tcp_endpoint{"10.1.2.3", 80});
  CHECK(to_tcp_endpoint(address("2001:db8::1")) == io::tcp_endpoint{"2001:db8::1", 80});
  CHECK(to_tcp_endpoint(address("::ffff:10.1.2.3")) == io::tcp_endpoint{"10.1.2.3", 80});
  CHECK(io::resolve(io::tcp_endpoint{"localhost", 80}, false, patience()));
  CHECK(io::resolve(io::tcp_endpoint{"::", 80}, true, patience()));
}

TEST_CASE("a look-up ends with its deadline", "[io][socket_address]") {
  const auto late = io::resolve(io::tcp_endpoint{"localhost", 80}, false, {});
  // The answer may be faster than the question whether time is up; nothing else is allowed.
  if (!late)
    CHECK(late.error().code == errc::transfer_error);
}

TEST_CASE("a socket's path must fit into an address", "[io][socket_address]") {
  const auto found = io::resolve(io::unix_endpoint{"/run/x"}, false, patience());
  REQUIRE(found);
  CHECK(found->size() == 1);
  CHECK(found->front().family() == AF_UNIX);
  for (const std::size_t size : {std::size_t{0}, io::socket_path_max + 1})
    CHECK(io::resolve(io::unix_endpoint{std::string(size, 'x')}, false, patience()).error().code
          == errc::limit_exceeded);
}

TEST_CASE("one origin is an IPv4 address or an IPv6 network", "[io][socket_address]") {
  CHECK(origin_of(address("10.1.2.3")) == origin_of(address("::ffff:10.1.2.3")));
  CHECK(origin_of(address("10.1.2.3")) != origin_of(address("10.1.2.4")));
  CHECK(origin_of(address("2001:db8::1")) == origin_of(address("2001:db8::ffff:1")));
  CHECK(origin_of(address("2001:db8::1")) != origin_of(address("2001:db8:0:1::1")));
}
