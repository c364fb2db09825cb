#include "maze/core/misfit.hpp"

#include <catch2/catch.hpp>

#include <string>

TEST_CASE("a misfit names its place from the outside in", "[core][misfit]") {
  maze::misfit sut("expected int, got string");
  CHECK(sut.what() == std::string("expected int, got string"));
  CHECK_FALSE(sut.placed());
  sut.inside(std::size_t{3});
  sut.inside("key");
  CHECK(sut.placed());
  CHECK(sut.what() == std::string(".key[3]: expected int, got string"));
  CHECK(sut.code() == maze::core::errc::invalid_payload);
}

TEST_CASE("a misfit stays readable however odd and deep its place is", "[core][misfit]") {
  maze::misfit sut("wrong");
  sut.inside("\x1b[2J\n\xff");
  CHECK(sut.what() == std::string(".\\x1b[2J\\n\\xff: wrong"));
  for (int i = 0; i < 10000; ++i)
    sut.inside(std::string(1000, 'k'));
  CHECK(std::string(sut.what()).size() < 1000);
}
