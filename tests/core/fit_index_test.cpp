#include "maze/core/fit_index.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace maze::core;

TEST_CASE("the index finds what a walk over all keys finds", "[core][fit_index]") {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  const auto draw = [&](std::uint32_t most, std::uint32_t gpus) {
    return amounts{below(most), below(gpus), below(most), below(8)};
  };
  fit_index<std::uint64_t> sut;
  std::map<std::uint64_t, amounts> plain;
  for (int step = 0; step < 4000; ++step) {
    const auto key = below(200);
    if (plain.count(key) != 0) {
      sut.erase(key);
      plain.erase(key);
    } else {
      const auto has = draw(10, 3);
      sut.insert(key, has);
      plain.emplace(key, has);
    }
    const auto asked = draw(11, 4);
    const auto after = below(200);
    std::optional<std::uint64_t> first;
    std::optional<std::uint64_t> next;
    amounts most{};
    for (const auto& [other, has] : plain) {
      most = larger(most, has);
      if (!covers(has, asked))
        continue;
      first = first ? first : other;
      if (other > after && !next)
        next = other;
    }
    REQUIRE(sut.first_covering(asked) == first);
    REQUIRE(sut.next_covering(after, asked) == next);
    REQUIRE(sut.most() == most);
    REQUIRE(sut.size() == plain.size());
  }
}

TEST_CASE("complements turn at least into at most", "[core][fit_index]") {
  fit_index<int> sut;
  sut.insert(1, complement({5, 0, 5, 0}));
  sut.insert(2, complement({2, 0, 9, 0}));
  sut.insert(3, complement({2, 0, 2, 0b01}));
  CHECK(sut.first_covering(complement({4, 1, 9, 0})) == 2);
  CHECK(sut.first_covering(complement({4, 1, 4, 0b11})) == 3);
  CHECK(sut.first_covering(complement({4, 1, 4, 0b10})) == std::nullopt);
  CHECK(sut.first_covering(complement({1, 1, 9, 0b11})) == std::nullopt);
}
