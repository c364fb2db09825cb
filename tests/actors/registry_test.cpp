#include "maze/actors/registry.hpp"

#include "support/actor_fixture.hpp"
#include "support/builders.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;

TEST_CASE_METHOD(test::actor_fixture, "a run can be found until it is forgotten",
                 "[actors][registry]") {
  const auto sut = spawn(registry);
  const auto bundle = test::bundle_of(core::run_id{7}, {test::shell("a")});
  tell(sut, put_run{bundle});
  tell(sut, put_run{test::bundle_of(core::run_id{8}, {test::shell("a")})});
  CHECK(ask<run_bundle_ptr>(sut, find_run{core::run_id{7}}) == bundle);

  tell(sut, forget_run{core::run_id{7}});
  const core::error failed = ask_failing<run_bundle_ptr>(sut, find_run{core::run_id{7}});
  CHECK(failed.code == core::errc::not_found);
  CHECK(failed.message.find('7') != std::string::npos);
  CHECK(ask<run_bundle_ptr>(sut, find_run{core::run_id{8}}) != nullptr);
}

TEST_CASE_METHOD(test::actor_fixture, "a forgotten run gives its memory back",
                 "[actors][registry]") {
  const auto sut = spawn(registry);
  const auto bundle = test::bundle_of(core::run_id{7}, {test::shell("a")});
  tell(sut, put_run{bundle});
  CHECK(bundle.use_count() > 1);
  tell(sut, forget_run{core::run_id{7}});
  CHECK(bundle.use_count() == 1);
}
