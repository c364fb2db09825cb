#include "maze/io/refusals.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace std::chrono_literals;
using maze::io::refusal;
using maze::io::refusal_kinds;
using maze::io::refusal_log;

namespace {

const refusal_log::time start{100s};

} // namespace

TEST_CASE("every reason has a name of its own", "[io][refusals]") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < refusal_kinds; ++i)
    names.insert(to_string(static_cast<refusal>(i)));
  CHECK(names.size() == refusal_kinds);
  CHECK(names.count("unknown") == 0);
  CHECK(to_string(static_cast<refusal>(refusal_kinds)) == "unknown");
}

TEST_CASE("a flood of refusals is counted in full and logged in few lines", "[io][refusals]") {
  refusal_log sut(2, 1s);
  CHECK(sut.note(refusal::not_tls, "tcp:a:1", "why", start) == "refused tcp:a:1: why");
  CHECK(sut.note(refusal::not_tls, "tcp:a:2", "why", start));
  for (int i = 0; i < 312; ++i)
    CHECK_FALSE(sut.note(refusal::timed_out, "tcp:a:3", "late", start + 10ms));
  CHECK(sut.note(refusal::not_tls, "tcp:a:4", "why", start + 1s)
        == "refused tcp:a:4: why; and 312 more");
  CHECK_FALSE(sut.note(refusal::not_tls, "tcp:a:5", "why", start + 1s));
  const auto counts = sut.counts();
  CHECK(counts[static_cast<std::size_t>(refusal::not_tls)] == 4);
  CHECK(counts[static_cast<std::size_t>(refusal::timed_out)] == 312);
}

TEST_CASE("what was held back is told even if nothing follows", "[io][refusals]") {
  refusal_log sut(1, 1s);
  CHECK_FALSE(sut.next_summary());
  CHECK(sut.note(refusal::cluster, "x", "y", start));
  CHECK_FALSE(sut.next_summary());
  CHECK_FALSE(sut.summary(start + 5s));
  CHECK(sut.note(refusal::cluster, "x", "y", start + 10s));
  CHECK_FALSE(sut.note(refusal::cluster, "x", "y", start + 10s));
  REQUIRE(sut.next_summary() == start + 11s);
  CHECK_FALSE(sut.summary(start + 10500ms));
  CHECK(sut.summary(start + 11s) == "refused connections: and 1 more");
  CHECK_FALSE(sut.next_summary());
  CHECK_FALSE(sut.summary(start + 20s));
}
