#include "node/user_range.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace maze;
using node::user_range;

TEST_CASE("no two nodes have user ids in common, and those of a node that ended are used again",
          "[tools]") {
  const test::scratch_dir folder;
  auto first = user_range::claim(folder / "users");
  auto second = user_range::claim(folder / "users");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->first() == user_range::first_of_all);
  CHECK(second->first() == first->first() + user_range::size);
  first = user_range::claim(folder / "users");
  REQUIRE(first);
  CHECK(first->first() == second->first() + user_range::size);
  const auto again = user_range::claim(folder / "users");
  REQUIRE(again);
  CHECK(again->first() == user_range::first_of_all);
}

TEST_CASE("the last range ends below the ids that a signed number cannot hold", "[tools]") {
  STATIC_REQUIRE(std::uint64_t{user_range::first_of_all}
                     + std::uint64_t{user_range::ranges_max} * user_range::size
                 < std::uint64_t{1} << 31);
}
