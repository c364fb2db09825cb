#include "maze/core/codec.hpp"

#include "maze/core/error.hpp"
#include "maze/core/graph_run.hpp"

#include <catch2/catch.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace maze::core;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

template <class T>
void check_round_trip(const T& x, const std::string& bytes) {
  CHECK(to_binary(x) == bytes);
  const auto back = from_binary<T>(bytes, "thing");
  REQUIRE(back.has_value());
  CHECK(*back == x);
}

template <class T>
error refused(const std::string& bytes) {
  const auto back = from_binary<T>(bytes, "thing");
  REQUIRE_FALSE(back.has_value());
  CHECK_THAT(back.error().message, Contains("thing, byte "));
  return back.error();
}

struct tree {
  std::vector<tree> children;

  template <class Inspector>
  friend auto inspect(Inspector& f, tree& x) {
    return f(x.children);
  }
};

} // namespace

TEST_CASE("numbers take the bytes that the description says", "[core][codec]") {
  check_round_trip(std::uint64_t{0}, "\0"s);
  check_round_trip(std::uint64_t{127}, "\x7F");
  check_round_trip(std::uint64_t{128}, "\x80\x01");
  check_round_trip(std::uint64_t{300}, "\xAC\x02");
  check_round_trip(std::numeric_limits<std::uint64_t>::max(),
                   "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  check_round_trip(std::int64_t{0}, "\0"s);
  check_round_trip(std::int64_t{-1}, "\x01");
  check_round_trip(std::int64_t{1}, "\x02");
  check_round_trip(std::int64_t{-64}, "\x7F");
  check_round_trip(std::int64_t{64}, "\x80\x01");
  check_round_trip(std::numeric_limits<std::int64_t>::max(),
                   "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  check_round_trip(std::numeric_limits<std::int64_t>::min(),
                   "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  check_round_trip(true, "\x01");
  check_round_trip(false, "\0"s);
  check_round_trip(1.0, "\0\0\0\0\0\0\xF0\x3F"s);
  check_round_trip(-0.0, "\0\0\0\0\0\0\0\x80"s);
}

TEST_CASE("text, collections and structs take the bytes that the description says",
          "[core][codec]") {
  check_round_trip("ab"s, "\x02"
                          "ab");
  check_round_trip(std::vector<std::uint32_t>{1, 2}, "\x02\x01\x02");
  check_round_trip(std::map<std::string, bool>{{"a", true}, {"b", false}}, "\x02\x01"
                                                                           "a\x01\x01"
                                                                           "b\0"s);
  check_round_trip(std::optional<std::string>{}, "\0"s);
  check_round_trip(std::optional<std::string>{"x"}, "\x01\x01x");
  check_round_trip(std::variant<std::monostate, std::int32_t>{}, "\0"s);
  check_round_trip(std::variant<std::monostate, std::int32_t>{-3}, "\x01\x05");
  check_round_trip(std::chrono::nanoseconds(1ns), "\x02");
  check_round_trip(errc::limit_exceeded, "\x47");
  check_round_trip(digest{0x0102030405060708, 0x1112131415161718},
                   "\x08\x07\x06\x05\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11");
  check_round_trip(attempt_id{1, 300}, "\x01\xAC\x02");
}

TEST_CASE("facts of a run survive the binary form", "[core][codec]") {
  task_ended ended{.task = {7},
                   .state = task_state::failed,
                   .attempt = {2, 9},
                   .output = "\x00\xFF"s,
                   .files = {.written = {{"a/b", {.hash = {1, 2}, .size = 3}}}, .removed = {"c"}},
                   .reason = {.code = errc::oom_killed,
                              .message = "m",
                              .origin = "execute",
                              .exit_code = -1,
                              .signal = 9,
                              .evidence = "e"}};
  const std::vector<run_fact> facts{ended, attempt_failed{.task = {1}, .attempt = {1, 1}},
                                    run_state_changed{run_state::cancelling}};
  const auto back = from_binary<std::vector<run_fact>>(to_binary(facts), "facts");
  REQUIRE(back.has_value());
  CHECK(*back == facts);
}

TEST_CASE("every NaN is written as one and no other is read", "[core][codec]") {
  const auto canonical = to_binary(std::numeric_limits<double>::quiet_NaN());
  CHECK(canonical == "\0\0\0\0\0\0\xF8\x7F"s);
  for (const auto bits : {0x7FF8000000000001, 0x7FF0000000000001})
    CHECK(to_binary(std::bit_cast<double>(bits)) == canonical);
  CHECK(to_binary(-std::numeric_limits<double>::quiet_NaN()) == canonical);
  CHECK(std::isnan(*from_binary<double>(canonical, "thing")));
  CHECK_THAT(refused<double>("\1\0\0\0\0\0\xF8\x7F"s).message, Contains("byte 0: a NaN"));
  CHECK_THAT(refused<double>("\0\0\0\0\0\0\xF8\xFF"s).message, Contains("byte 0: a NaN"));
}

TEST_CASE("bytes that are not canonical are refused with their offset", "[core][codec]") {
  CHECK_THAT(refused<std::uint64_t>("\x80\0"s).message, Contains("byte 0: a number that is not"));
  CHECK_THAT(refused<std::uint64_t>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02").message,
             Contains("more than 64 bits"));
  CHECK_THAT(refused<std::uint64_t>("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\0"s).message,
             Contains("more than 64 bits"));
  CHECK_THAT(refused<bool>("\x02").message, Contains("byte 0: a truth value"));
  CHECK_THAT(refused<errc>("\x17").message, Contains("names nothing"));
  CHECK_THAT((refused<std::vector<std::uint8_t>>("\x02\x01\x80\x02"s).message),
             Contains("byte 2: a number that is too large for its field"));
  CHECK_THAT((refused<std::int32_t>("\x80\x80\x80\x80\x20").message), Contains("too large"));
  CHECK_THAT((refused<std::variant<std::monostate, bool>>("\x02").message),
             Contains("alternative"));
  using names = std::map<std::string, bool>;
  CHECK_THAT(refused<names>("\x02\x01"
                            "b\x01\x01"
                            "a\x01")
                 .message,
             Contains("byte 4: a key"));
  CHECK_THAT(refused<names>("\x02\x01"
                            "a\x01\x01"
                            "a\x01")
                 .message,
             Contains("byte 4: a key"));
}

TEST_CASE("bytes that end early or late are refused", "[core][codec]") {
  CHECK_THAT(refused<std::uint64_t>("").message,
             Contains("byte 0: 1 bytes should follow, 0 remain"));
  CHECK_THAT(refused<std::uint64_t>("\x80").message, Contains("byte 1"));
  CHECK_THAT(refused<double>("1234567").message, Contains("byte 0: 8 bytes should follow, 7"));
  CHECK_THAT(refused<std::string>("\x03"
                                  "ab")
                 .message,
             Contains("byte 1: 3 bytes should follow, 2 remain"));
  CHECK_THAT(refused<bool>("\x01\x01").message, Contains("byte 1: 1 bytes too many"));
  const auto whole = to_binary(run_fact{attempt_failed{.task = {300}, .reason = {.message = "m"}}});
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK(refused<run_fact>(whole.substr(0, n)).code == errc::malformed);
}

TEST_CASE("a length that the bytes do not justify allocates nothing", "[core][codec]") {
  const auto huge = to_binary(std::uint64_t{1} << 62);
  CHECK(refused<std::string>(huge).code == errc::malformed);
  CHECK(refused<std::vector<std::string>>(huge).code == errc::malformed);
  CHECK(refused<file_map>(huge).code == errc::malformed);
  CHECK_THAT(refused<std::vector<std::uint8_t>>("\x03\x01\x01").message, Contains("3 elements"));
}

TEST_CASE("recursive structs are read down to the limit and no deeper", "[core][codec]") {
  // Each level is a struct and a vector.
  const auto nested = [](std::size_t levels) { return std::string(levels - 1, '\1') + '\0'; };
  CHECK(from_binary<tree>(nested(32), "thing").has_value());
  CHECK(refused<tree>(nested(33)).code == errc::limit_exceeded);
  CHECK(refused<tree>(nested(1'000'000)).code == errc::limit_exceeded);
}

TEST_CASE("after a fault a reader yields nothing and keeps the first fault", "[core][codec]") {
  binary_reader in("\x05zz\x07", "thing");
  CHECK(in.text().empty());
  CHECK_FALSE(in.ok());
  CHECK(in.byte() == 0);
  CHECK(in.fixed64() == 0);
  CHECK(in.varint() == 0);
  CHECK(in.count() == 0);
  CHECK(in.remaining() == 0);
  in.refuse(0, "something else");
  CHECK_THAT(in.finish().error().message, Contains("thing, byte 1: 5 bytes should follow"));
}

TEST_CASE("whatever bytes a reader accepts, they are written again alike", "[core][codec]") {
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string bytes(random() % 12, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(random() % 4 == 0 ? random() : random() % 4);
    const auto back = from_binary<run_fact>(bytes, "thing");
    if (!back)
      continue;
    ++accepted;
    REQUIRE(to_binary(*back) == bytes);
  }
  CHECK(accepted > 0);
}
