#include "node/table.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::node;

TEST_CASE("columns are as wide as their longest field", "[tools][table]") {
  CHECK(render_table({"RUN", "NAME"}, {{{"3x7k"}, {"words"}}, {{"a"}, {"b"}}}, false)
        == "RUN   NAME\n3x7k  words\na     b\n");
  CHECK(render_table({"RUN"}, {}, false) == "RUN\n");
}

TEST_CASE("a field can neither break a line nor steer the terminal", "[tools][table]") {
  const auto text = render_table({"A", "B"}, {{{"x\n\x1b[31m"}, {"y"}}}, false);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("colours do not change the width of columns", "[tools][table]") {
  const auto text = render_table({"S", "N"}, {{{"failed", look_of("failed")}, {"x"}}}, true);
  CHECK(text == "\x1b[1mS\x1b[0m       \x1b[1mN\x1b[0m\n\x1b[31mfailed\x1b[0m  x\n");
}

TEST_CASE("wide characters take two columns", "[tools][table]") {
  CHECK(render_table({"A", "B"}, {{{"\xe5\xad\x97"}, {"x"}}}, false) == "A   B\n\xe5\xad\x97  x\n");
}

TEST_CASE("times are written in UTC", "[tools][table]") {
  CHECK(time_of_day(std::chrono::seconds(1'763'722'983)) == "2025-11-21 11:03:03");
}
