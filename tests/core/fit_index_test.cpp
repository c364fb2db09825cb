#include "maze/core/fit_index.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace maze::core;

TEST_CASE("the index finds what a walk over all keys finds", "[core][fit_index]") {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t bound) { return random() % bound; };
  fit_index<std::uint64_t> sut;
  std::map<std::uint64_t, amounts> plain;
  for (int step = 0; step < 4000; ++step) {
    const auto key = below(200);
    if (plain.count(key) != 0) {
      sut.erase(key);
      plain.erase(key);
    } else {
      const amounts has{below(10), below(10), below(3)};
      sut.insert(key, has);
      plain.emplace(key, has);
    }
    const amounts asked{below(11), below(11), below(4)};
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
  sut.insert(1, complement({5, 5, 0}));
  sut.insert(2, complement({2, 9, 0}));
  sut.insert(3, complement({2, 2, 0}));
  CHECK(sut.first_covering(complement({4, 9, 1})) == 2);
  CHECK(sut.first_covering(complement({4, 4, 1})) == 3);
  CHECK(sut.first_covering(complement({1, 9, 1})) == std::nullopt);
}
