#include "maze/actors/errors.hpp"

#include "support/actor_fixture.hpp"

#include <caf/sec.hpp>
#include <catch2/catch.hpp>

using namespace maze;

namespace {

const core::error everything_known{.code = core::errc::exit_nonzero,
                                   .message = "the command ended with exit status 3",
                                   .origin = "execute",
                                   .exit_code = 3,
                                   .signal = 9,
                                   .evidence = "line 1\nline 2"};

} // namespace

TEST_CASE("an error passes through CAF and back without losing anything", "[actors][errors]") {
  CHECK(actors::from_caf(actors::to_caf(everything_known)) == everything_known);
  for (const core::errc code : core::all_errcs()) {
    const core::error plain{.code = code, .message = "m"};
    if (code != core::errc::none)
      CHECK(actors::from_caf(actors::to_caf(plain)) == plain);
  }
}

TEST_CASE("an error of CAF itself becomes a scheduler_error with CAF's words", "[actors][errors]") {
  const core::error seen = actors::from_caf(caf::make_error(caf::sec::request_timeout));
  CHECK(seen.code == core::errc::scheduler_error);
  CHECK(seen.message.find("timeout") != std::string::npos);
}

TEST_CASE("an error of maze's category with foreign content is no crash", "[actors][errors]") {
  const core::error seen =
      actors::from_caf(caf::error{3, actors::error_category, caf::make_message(42)});
  CHECK(seen.code == core::errc::scheduler_error);
}

TEST_CASE_METHOD(test::actor_fixture, "CAF shows maze's errors in maze's words",
                 "[actors][errors]") {
  CHECK(system.render(actors::to_caf(everything_known)) == core::describe(everything_known));
}
