#include "maze/sandbox/enter_block.hpp"

#include <catch2/catch.hpp>

using namespace maze::sandbox::enter;

namespace {

block some_block() {
  return {.argv = {"/bin/sh", "-c", std::string("a\0b", 3)},
          .environment = {"A=1", "B="},
          .working_directory = "/srv",
          .limits = {{4, 0}, {7, std::uint64_t{1} << 40}},
          .cpu_time = 1'000'000'000,
          .filter = std::string(4096, '\x7f'),
          .report = 5};
}

report some_report() {
  return {.began = true,
          .ended = true,
          .step = "exec",
          .exit_code = -1,
          .signal = 9,
          .cpu_passed = true,
          .cpu_time = 1,
          .memory_peak = 2,
          .memory_kills = 3,
          .refused_processes = 4};
}

} // namespace

TEST_CASE("how a task begins in a container is read as it was written", "[sandbox][enter]") {
  for (const block& x : {some_block(), block()}) {
    const auto bytes = encode(x);
    const auto size = size_behind(bytes.substr(0, block_head_size));
    REQUIRE(size == bytes.size() - block_head_size);
    CHECK(decode(bytes.substr(block_head_size)) == x);
  }
}

TEST_CASE("how it ended is read as it was written", "[sandbox][enter]") {
  for (const report& x : {some_report(), report()})
    CHECK(decode_report(encode(x)) == x);
}

TEST_CASE("what was cut, has more behind it or another start is refused", "[sandbox][enter]") {
  const auto whole = encode(some_block());
  const auto body = whole.substr(block_head_size);
  for (std::size_t n = 0; n < body.size(); n += 7)
    CHECK_FALSE(decode(body.substr(0, n)));
  CHECK_FALSE(decode(body + 'x'));
  CHECK_FALSE(size_behind(whole.substr(0, block_head_size - 1)));
  CHECK_FALSE(size_behind("maze-e0\n" + whole.substr(8, 4)));
  CHECK_FALSE(size_behind("maze-e1\n\xff\xff\xff\xff"));
  const auto told = encode(some_report());
  for (std::size_t n = 0; n < told.size(); ++n)
    CHECK_FALSE(decode_report(told.substr(0, n)));
  auto odd = told;
  odd[0] = 2;
  CHECK_FALSE(decode_report(odd));
}
