#include "maze/io/memory_file.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace maze;

TEST_CASE("a sealed file gives back its content and takes nothing more", "[io][memory_file]") {
  const std::string content(GENERATE(0, 1, 100'000), 'x');
  const auto sut = io::make_sealed_file("test", content).value();
  CHECK(io::read_all(sut.get(), 100'000).value() == content);
  CHECK(::pwrite(sut.get(), "y", 1, 0) == -1);
  CHECK(::lseek(sut.get(), 0, SEEK_CUR) == 0);
}

TEST_CASE("a file in memory holds what was written to it", "[io][memory_file]") {
  const auto sut = io::make_memory_file("test").value();
  REQUIRE(io::write_all(sut.get(), "abc"));
  CHECK(io::read_all(sut.get(), 3).value() == "abc");
  CHECK(io::read_all(sut.get(), 2).error().code == core::errc::limit_exceeded);
}

TEST_CASE("a file of fixed size can be written to and never shrinks", "[io][memory_file]") {
  const auto sut = io::make_fixed_file("test", 4096).value();
  CHECK(::pwrite(sut.get(), "y", 1, 4095) == 1);
  CHECK(::pwrite(sut.get(), "y", 1, 4096) == -1);
  CHECK(::ftruncate(sut.get(), 0) == -1);
}
