#include "maze/io/endpoint.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze;
using io::tcp_endpoint;
using io::unix_endpoint;

TEST_CASE("an endpoint is read and written as one text", "[io][endpoint]") {
  CHECK(io::parse_endpoint("unix:/run/maze/a b.sock")
        == io::endpoint(unix_endpoint{"/run/maze/a b.sock"}));
  CHECK(io::parse_endpoint("tcp:head-node.example:4242")
        == io::endpoint(tcp_endpoint{"head-node.example", 4242}));
  CHECK(io::parse_endpoint("tcp:[::1]:0") == io::endpoint(tcp_endpoint{"::1", 0}));
  CHECK(io::parse_endpoint("tcp:127.0.0.1:65535")
        == io::endpoint(tcp_endpoint{"127.0.0.1", 65535}));
  for (const std::string text : {"unix:/a", "tcp:a:1", "tcp:[fe80::1%eth0]:7", "tcp:10.0.0.1:80"})
    CHECK(to_string(io::parse_endpoint(text).value()) == text);
}

TEST_CASE("a socket path may have 107 bytes and not one more", "[io][endpoint]") {
  const std::string longest = "/" + std::string(106, 'x');
  CHECK(io::parse_endpoint("unix:" + longest));
  const auto refused = io::parse_endpoint("unix:" + longest + "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::limit_exceeded);
  CHECK_THAT(refused.error().message, Catch::Contains("108 bytes, the system allows 107"));
}

TEST_CASE("what is no endpoint is refused with what to write", "[io][endpoint]") {
  for (const std::string text :
       {"", "unix:", "unix:relative", "tcp:", "tcp:host", "tcp::80", "tcp:host:", "tcp:host:65536",
        "tcp:host:-1", "tcp:host:+1", "tcp:host:80x", "tcp:::1:80", "tcp:ho st:80", "tcp:[]:80",
        "http://host:80", "tcp:ho\nst:1"}) {
    INFO(text);
    const auto refused = io::parse_endpoint(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::invalid_argument);
    CHECK_THAT(refused.error().message, Catch::Contains("write unix:/path or tcp:host:port"));
    CHECK(refused.error().message.find('\n') == std::string::npos);
  }
  CHECK_FALSE(io::parse_endpoint(std::string("unix:/a\0b", 9)));
  CHECK(io::parse_endpoint("tcp:" + std::string(100'000, 'x')).error().message.size() < 400);
}

TEST_CASE("a listener on every address is told from one that can be connected to",
          "[io][endpoint]") {
  CHECK(io::is_wildcard(tcp_endpoint{"0.0.0.0", 1}));
  CHECK(io::is_wildcard(tcp_endpoint{"::", 1}));
  CHECK_FALSE(io::is_wildcard(tcp_endpoint{"127.0.0.1", 1}));
  CHECK_FALSE(io::is_wildcard(io::unix_endpoint{"/run/0.0.0.0"}));
}
