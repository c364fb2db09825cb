#include "maze/core/sandbox_parts.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace maze::core;

TEST_CASE("each part of a sandbox has a bit and a name of its own", "[core][sandbox]") {
  std::set<std::string_view> names;
  for (auto i = std::uint8_t{0}; i <= static_cast<std::uint8_t>(sandbox_part::violation); ++i) {
    const auto part = static_cast<sandbox_part>(i);
    CHECK(sandbox_part_from_string(to_string(part)) == part);
    names.insert(to_string(part));
    sandbox_parts some;
    some.add(part);
    CHECK(some.has(part));
    CHECK(some.bits == 1U << i);
  }
  CHECK(names.size() == 22);
  CHECK(to_string(sandbox_part::filesystem) == "allow_filesystem");
  CHECK(to_string(static_cast<sandbox_part>(22)) == "unknown");
  CHECK_FALSE(sandbox_part_from_string("max_memory_mb"));
}
