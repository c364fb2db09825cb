#include "gateway/access.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace maze;
using Catch::Matchers::Contains;
using gateway::read_token;
using gateway::turn_away;

namespace {

const std::string secret(64, 'a');

io::http_request asked(std::map<std::string, std::string> headers) {
  headers.emplace("host", "127.0.0.1:7420");
  return {.method = "GET", .headers = std::move(headers)};
}

std::uint32_t status(std::map<std::string, std::string> headers, bool for_anybody = false) {
  const auto away = turn_away(asked(std::move(headers)), secret, for_anybody);
  return away ? away->status : 200;
}

} // namespace

TEST_CASE("a gateway's token is made once, for its owner alone, and is hard to guess") {
  const test::scratch_dir room;
  const auto file = room / "deep/er/token";
  const auto token = read_token(file);
  REQUIRE(token);
  CHECK(token->size() == 64);
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(read_token(file) == token);
  CHECK(read_token(room / "other") != token);
}

TEST_CASE("a token that others may read, or that is none, is refused with a remedy") {
  const test::scratch_dir room;
  std::ofstream(room / "open") << secret << '\n';
  ::chmod((room / "open").c_str(), 0644);
  CHECK(read_token(room / "open").error().code == core::errc::permission_denied);
  std::ofstream(room / "short") << "abc\n";
  ::chmod((room / "short").c_str(), 0600);
  const auto read = read_token(room / "short");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == core::errc::malformed);
  CHECK_THAT(read.error().message, Contains("remove it"));
  std::ofstream(room / "own") << std::string(40, 'x') << '\n';
  ::chmod((room / "own").c_str(), 0600);
  CHECK(read_token(room / "own") == std::string(40, 'x'));
}

TEST_CASE("only who bears the token is let in, but for what anybody may see") {
  CHECK(status({{"authorization", "Bearer " + secret}}) == 200);
  CHECK(status({}) == 401);
  CHECK(status({{"authorization", "bearer " + secret}}) == 200);
  CHECK(status({{"authorization", "Bearer "}}) == 401);
  CHECK(status({{"authorization", "Basic " + secret}}) == 401);
  CHECK(status({{"authorization", secret}}) == 401);
  CHECK(status({{"authorization", "Bearer " + secret + "a"}}) == 401);
  CHECK(status({{"authorization", "Bearer " + std::string(64, 'b')}}) == 401);
  CHECK(status({{"authorization", "Bearer " + secret + ", Bearer " + secret}}) == 401);
  CHECK(status({}, true) == 200);
  const auto away = turn_away(asked({}), secret, false);
  CHECK_THAT(away->body, Contains("maze-node serve"));
  CHECK_THAT(away->body, !Contains(secret));
}

TEST_CASE("a name that is not this machine's is turned away, whoever asks") {
  const std::string bearer = "Bearer " + secret;
  for (const char* host : {"localhost", "LocalHost:9000", "127.0.0.1", "[::1]:7420"})
    CHECK(status({{"host", host}, {"authorization", bearer}}) == 200);
  for (const char* host : {"", "example.org:7420", "127.0.0.1.example.org", "localhost.", "[::1",
                           "10.0.0.1:7420", "localhost, localhost", "127.0.0.1:7420, example.org",
                           "127.0.0.1:example.org", "127.0.0.1:1/x", "127.0.0.1:", "[::1]x"}) {
    CAPTURE(host);
    CHECK(status({{"host", host}, {"authorization", bearer}}) == 421);
    CHECK(status({{"host", host}}, true) == 421);
  }
}

TEST_CASE("a page of another site is turned away, whatever it bears") {
  const std::string bearer = "Bearer " + secret;
  CHECK(status({{"origin", "http://127.0.0.1:7420"}, {"authorization", bearer}}) == 200);
  for (const char* origin : {"", "http://example.org", "https://127.0.0.1:7420", "null",
                             "http://127.0.0.1:8000", "http://localhost:7420"}) {
    CAPTURE(origin);
    CHECK(status({{"origin", origin}, {"authorization", bearer}}) == 403);
  }
}
