#include "maze/io/http_message.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using Catch::Matchers::Contains;

namespace {

std::string refusal_of(std::string_view target) {
  const auto read = io::parse_target(target);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == core::errc::malformed);
  return read.error().message;
}

} // namespace

TEST_CASE("the path of a request's target is its parts, decoded") {
  CHECK(io::parse_target("/")->path.empty());
  CHECK(io::parse_target("/api/v1/runs")->path == std::vector<std::string>{"api", "v1", "runs"});
  CHECK(io::parse_target("/runs/a%20b%2Fc/")->path == std::vector<std::string>{"runs", "a b/c"});
  CHECK(io::parse_target("//x///y")->path == std::vector<std::string>{"x", "y"});
  CHECK(io::parse_target("/%c3%A4+")->path == std::vector<std::string>{"ä+"});
}

TEST_CASE("dots in a path are parts like others: nothing is resolved that could lead up") {
  CHECK(io::parse_target("/a/../b/%2e%2e")->path == std::vector<std::string>{"a", "..", "b", ".."});
}

TEST_CASE("the query of a request's target is names and values, decoded") {
  const auto read = io::parse_target("/runs?first=10&state=run%26ning&name=a+b&flag&empty=&x=1=2");
  REQUIRE(read);
  CHECK(read->path == std::vector<std::string>{"runs"});
  CHECK(read->query
        == std::map<std::string, std::string>{{"first", "10"},
                                              {"state", "run&ning"},
                                              {"name", "a b"},
                                              {"flag", ""},
                                              {"empty", ""},
                                              {"x", "1=2"}});
}

TEST_CASE("a target that is no path with a sound query is refused, and the refusal shows it") {
  CHECK_THAT(refusal_of(""), Contains("is no path"));
  CHECK_THAT(refusal_of("*"), Contains("'*'"));
  CHECK_THAT(refusal_of("http://elsewhere/x"), Contains("is no path"));
  CHECK_THAT(refusal_of("/a b"), Contains("is no path"));
  CHECK_THAT(refusal_of("/a#b"), Contains("is no path"));
  CHECK_THAT(refusal_of(std::string_view("/a\0b", 4)), Contains("is no path"));
  CHECK_THAT(refusal_of("/%"), Contains("hexadecimal"));
  CHECK_THAT(refusal_of("/%4"), Contains("hexadecimal"));
  CHECK_THAT(refusal_of("/%-1"), Contains("hexadecimal"));
  CHECK_THAT(refusal_of("/%zz"), Contains("hexadecimal"));
  CHECK_THAT(refusal_of("/a%00b"), Contains("hexadecimal"));
  CHECK_THAT(refusal_of("/a?b=%f"), Contains("hexadecimal"));
  CHECK_THAT(refusal_of("/a?b=1&b=2"), Contains("twice"));
  CHECK(refusal_of("/%" + std::string(10'000, 'x')).size() < 400);
}

TEST_CASE("a header is found by its name in lower case") {
  const io::http_request asked{.headers = {{"accept", "text/plain"}}};
  CHECK(asked.header("accept") == "text/plain");
  CHECK(asked.header("host").empty());
}
