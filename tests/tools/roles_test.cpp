#include "node/roles.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::node;
using Catch::Contains;

TEST_CASE("roles are names for permissions", "[tools][roles]") {
  const auto sut = read_roles("analyst=read_files,network_access; ops = all;guest=none");
  REQUIRE(sut);
  CHECK(sut->size() == 3);
  CHECK(core::to_string(find_role(*sut, "analyst").value()) == "read_files, network_access");
  CHECK(find_role(*sut, "ops").value() == core::permission_set::all());
  CHECK(find_role(*sut, "guest").value().empty());
  CHECK_THAT(find_role(*sut, "analist").error().message,
             Contains("'analist'") && Contains("analyst"));
  CHECK_THAT(find_role({}, "ops").error().message, Contains("setting 'roles'"));
}

TEST_CASE("what is wrong with a role is named", "[tools][roles]") {
  for (const auto& [text, why] :
       {std::pair{"", "of the form"}, std::pair{"ops", "'ops' is not of the form"},
        std::pair{"=all", "of the form"}, std::pair{"a/b=all", "'a/b=all'"},
        std::pair{"ops=all;", "of the form"}, std::pair{"ops=fly", "role 'ops': 'fly'"},
        std::pair{"ops=all; ops=none", "'ops' is there twice"}}) {
    INFO(text);
    const auto refused = read_roles(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::invalid_argument);
    CHECK_THAT(refused.error().message, Contains(why));
  }
}
