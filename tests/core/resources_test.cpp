#include "maze/core/resources.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

TEST_CASE("resources fit, are taken and are given back", "[core][resources]") {
  resources left{.cpu_millis = 2500, .memory = byte_count{100}, .gpus = 1};
  const auto whole = left;
  CHECK(left.fits(whole));
  CHECK_FALSE(left.fits({.cpu_millis = 2501}));
  CHECK_FALSE(left.fits({.memory = byte_count{101}}));
  CHECK_FALSE(left.fits({.gpus = 2}));
  left.take({.cpu_millis = 2000, .memory = byte_count{60}, .gpus = 1});
  CHECK(left == resources{.cpu_millis = 500, .memory = byte_count{40}, .gpus = 0});
  left.give_back({.cpu_millis = 2000, .memory = byte_count{60}, .gpus = 1});
  CHECK(left == whole);
}

TEST_CASE("resources read as people say them", "[core][resources]") {
  CHECK(to_string(resources{}) == "nothing");
  CHECK(to_string(resources{.cpu_millis = 1000}) == "1 core");
  CHECK(to_string(resources{.cpu_millis = 1500}) == "1.5 cores");
  CHECK(to_string(resources{.cpu_millis = 10}) == "0.01 cores");
  CHECK(to_string(resources{.cpu_millis = 20'000}) == "20 cores");
  CHECK(to_string(resources{.memory = byte_count{512'000'000}}) == "512MB");
  CHECK(to_string(resources{.cpu_millis = 2000, .memory = byte_count{512'000'000}, .gpus = 1})
        == "2 cores, 512MB, 1 GPU");
  CHECK(to_string(resources{.gpus = 4}) == "4 GPUs");
}
