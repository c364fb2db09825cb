#include "maze/core/call_frames.hpp"
#include "support/host_process.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace maze::test;

TEST_CASE("a host says how much memory it has in use, and repeats its token", "[sandbox][host]") {
  host_process process(
      {.arguments = {"--library", MAZE_BIN_DIR "/../lib/libtask_plain.so"}, .environment = {}});
  const auto ready = process.receive().value();
  CHECK(call_message_view::of(ready).value().entry(0).number == host_process::token);
  process.send(call_batch({{0, list{1, 2}}}));
  CHECK(process.receive().has_value());
  CHECK(process.memory() > 1 << 20);
  CHECK(process.memory() < std::uint64_t{1} << 32);
}
