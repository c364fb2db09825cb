#include "maze/core/session_ticket.hpp"

#include <catch2/catch.hpp>

using maze::core::session_ticket;

TEST_CASE("tickets are the same in all of their bits", "[core][ticket]") {
  const session_ticket sut{{.high = 1, .low = 2}};
  CHECK(sut == session_ticket{{.high = 1, .low = 2}});
  CHECK_FALSE(sut == session_ticket{{.high = 1, .low = 3}});
  CHECK_FALSE(sut == session_ticket{{.high = 3, .low = 2}});
  CHECK_FALSE(sut.empty());
  CHECK(session_ticket{}.empty());
}
