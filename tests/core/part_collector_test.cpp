#include "maze/core/part_collector.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

constexpr part_collector::limits small{
    .document_max = 10, .open_bytes_max = 12, .open_documents_max = 2, .idle = 60s};

errc failure(const result<part_collector::progress>& x) { return x ? errc::none : x.error().code; }

} // namespace

TEST_CASE("parts in order become the document", "[core][part_collector]") {
  part_collector sut(small);
  const auto first = sut.take({"a", 5, 0, "abc"}, 0s);
  REQUIRE(first);
  CHECK(first->received == 3);
  CHECK_FALSE(first->document);
  const auto last = sut.take({"a", 5, 3, "de"}, 1s);
  REQUIRE(last);
  CHECK(last->document == "abcde");
  CHECK(sut.open_bytes() == 0);
  CHECK(sut.open_documents() == 0);
}

TEST_CASE("offset zero begins anew, whatever had arrived", "[core][part_collector]") {
  part_collector sut(small);
  CHECK(sut.take({"a", 5, 0, "xxx"}, 0s));
  CHECK(sut.take({"a", 4, 0, "ab"}, 0s));
  CHECK(sut.open_bytes() == 2);
  CHECK(sut.take({"a", 4, 2, "cd"}, 0s)->document == "abcd");
}

TEST_CASE("a part that does not follow is refused and spoils nothing", "[core][part_collector]") {
  part_collector sut(small);
  CHECK(failure(sut.take({"a", 5, 3, "de"}, 0s)) == errc::stale);
  CHECK(sut.take({"a", 5, 0, "abc"}, 0s));
  CHECK(failure(sut.take({"a", 5, 2, "c"}, 0s)) == errc::stale);
  CHECK(failure(sut.take({"a", 6, 3, "d"}, 0s)) == errc::stale);
  CHECK(failure(sut.take({"a", 5, 3, "def"}, 0s)) == errc::invalid_argument);
  CHECK(failure(sut.take({"a", 5, 3, ""}, 0s)) == errc::invalid_argument);
  CHECK(failure(sut.take({"a", 5, ~std::uint64_t{0}, "d"}, 0s)) == errc::invalid_argument);
  CHECK(sut.take({"a", 5, 3, "de"}, 0s)->document == "abcde");
}

TEST_CASE("senders that never finish take bounded room for a bounded time",
          "[core][part_collector]") {
  part_collector sut(small);
  CHECK(failure(sut.take({"a", 11, 0, "a"}, 0s)) == errc::limit_exceeded);
  CHECK(sut.take({"a", 10, 0, "aaaaaaaa"}, 0s));
  CHECK(failure(sut.take({"b", 10, 0, "bbbbb"}, 0s)) == errc::limit_exceeded);
  CHECK(sut.open_documents() == 1);
  CHECK(sut.take({"b", 10, 0, "b"}, 30s));
  CHECK(failure(sut.take({"c", 10, 0, "c"}, 59s)) == errc::limit_exceeded);
  CHECK(sut.take({"c", 10, 0, "c"}, 60s));
  CHECK(failure(sut.take({"a", 10, 8, "a"}, 61s)) == errc::stale);
  CHECK(sut.open_bytes() == 2);
}
