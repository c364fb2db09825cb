#include "maze/io/fair_places.hpp"

#include <catch2/catch.hpp>

using maze::io::place_for;

TEST_CASE("a newcomer gets the oldest place of the origin that has the most", "[io][acceptor]") {
  CHECK(place_for("new", {"a", "b", "b", "c"}) == 1U);
  CHECK(place_for("new", {"b", "a", "a", "a", "b"}) == 1U);
  CHECK(place_for("a", {"a", "b", "b", "b"}) == 1U);
}

TEST_CASE("nobody gives way to an origin that has as many already", "[io][acceptor]") {
  CHECK_FALSE(place_for("new", {}));
  CHECK_FALSE(place_for("new", {"a", "b", "c"}));
  CHECK_FALSE(place_for("a", {"a", "b", "b"}));
  CHECK_FALSE(place_for("a", {"a", "a", "a"}));
}
