#include "maze/core/call_results.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

TEST_CASE("a message of results is kept until it is released", "[core][call_results]") {
  call_results sut;
  const auto block = sut.add("header|one|two");
  CHECK(sut.block(block) == "header|one|two");
  CHECK(sut.view({block, 7}, 3) == "one");
  CHECK(sut.bytes() == 14);
  sut.release(block);
  CHECK(sut.bytes() == 0);
  CHECK(sut.blocks() == 0);
  CHECK(sut.add("again") == block);
}

TEST_CASE("single results are packed into few blocks", "[core][call_results]") {
  call_results sut;
  const auto a = sut.keep("aaa");
  const auto b = sut.keep("bb");
  CHECK(a.block == b.block);
  CHECK(sut.view(a, 3) == "aaa");
  CHECK(sut.view(b, 2) == "bb");
  sut.release(a.block);
  CHECK(sut.view(b, 2) == "bb");
  sut.release(b.block);
  CHECK(sut.bytes() == 0);
  const auto c = sut.keep("c");
  CHECK(sut.view(c, 1) == "c");
  CHECK(sut.blocks() == 1);
}

TEST_CASE("a full block of results goes with the last of them", "[core][call_results]") {
  call_results sut;
  const std::string half(call_results::block_size / 2 + 1, 'x');
  const auto a = sut.keep(half);
  const auto b = sut.keep(half);
  CHECK(a.block != b.block);
  sut.release(a.block);
  CHECK(sut.bytes() == half.size());
  const auto large = sut.keep(std::string(3 * call_results::block_size, 'y'));
  CHECK(sut.view(large, 1) == "y");
  sut.release(b.block);
  sut.release(large.block);
  CHECK(sut.bytes() == 0);
}
