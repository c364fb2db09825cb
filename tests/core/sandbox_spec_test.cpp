#include "maze/core/sandbox_spec.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

TEST_CASE("sandbox levels have names that read back", "[core][sandbox_spec]") {
  CHECK(to_string(sandbox_level::none) == "none");
  CHECK(to_string(sandbox_level::subprocess) == "subprocess");
  CHECK(to_string(sandbox_level::seccomp) == "seccomp");
  CHECK(to_string(sandbox_level::container) == "container");
  for (const auto level : {sandbox_level::none, sandbox_level::subprocess, sandbox_level::seccomp,
                           sandbox_level::container})
    CHECK(sandbox_level_from_string(to_string(level)) == level);
  CHECK(sandbox_level_from_string("docker") == sandbox_level::container);
  for (const auto* name : {"", "None", "unknown", "podman"})
    CHECK_FALSE(sandbox_level_from_string(name).has_value());
  CHECK(to_string(static_cast<sandbox_level>(9)) == "unknown");
}

TEST_CASE("a stronger sandbox level compares greater", "[core][sandbox_spec]") {
  CHECK(sandbox_level::none < sandbox_level::subprocess);
  CHECK(sandbox_level::subprocess < sandbox_level::seccomp);
  CHECK(sandbox_level::seccomp < sandbox_level::container);
}
