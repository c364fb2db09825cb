#include "maze/core/permission_list.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

TEST_CASE("a list of permissions reads back", "[core][permissions]") {
  for (std::uint8_t bits = 0; bits < 16; ++bits) {
    const auto read = permissions_from_list(to_list(permission_set{bits}));
    REQUIRE(read);
    CHECK(read->bits == bits);
  }
  CHECK(to_list(permission_set::all()) == "all");
  CHECK(to_list({}) == "none");
  CHECK(to_list({0b0101}) == "read_files,network_access");
  CHECK(permissions_from_list("network_access,read_files")->bits == 0b0101);
  CHECK(permissions_from_list("network_access, read_files")->bits == 0b0101);
}

TEST_CASE("what both permit is what neither forbids", "[core][permissions]") {
  CHECK(both({0b0101}, {0b1100}).bits == 0b0100);
  CHECK(both(permission_set::all(), {0b1010}).bits == 0b1010);
  CHECK(both({0b0101}, {}).empty());
}

TEST_CASE("a word that is no permission is named", "[core][permissions]") {
  for (const char* bad : {"", "fly", "read_files,", ",read_files", "read_files ,write_files",
                          "read_files, ", "none,read_files", "All"}) {
    INFO(bad);
    const auto refused = permissions_from_list(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK_THAT(refused.error().message, Catch::Contains("is not a permission: read_files"));
  }
  CHECK_THAT(permissions_from_list("read_files,fly").error().message, Catch::StartsWith("'fly'"));
}
