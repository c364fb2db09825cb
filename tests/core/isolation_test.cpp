#include "maze/core/isolation.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace maze::core;

TEST_CASE("each fence has its own bit and name", "[core][isolation]") {
  isolation all;
  std::set<std::string_view> names;
  for (const fence each : all_fences()) {
    CHECK_FALSE(all.has(each));
    all.add(each);
    CHECK(all.has(each));
    names.insert(to_string(each));
  }
  CHECK(names.size() == all_fences().size());
  CHECK(names.count("unknown") == 0);
  CHECK(all.fences == (1U << all_fences().size()) - 1);
  CHECK(to_string(static_cast<fence>(16)) == "unknown");
}

TEST_CASE("the level of a card is that of its fences", "[core][isolation]") {
  isolation card{.requested = sandbox_level::subprocess, .began = true};
  CHECK(card.level() == sandbox_level::none);
  card.add(fence::limits);
  CHECK(card.level() == sandbox_level::subprocess);
  card.add(fence::syscalls);
  CHECK(card.level() == sandbox_level::seccomp);
  card.add(fence::container);
  CHECK(card.level() == sandbox_level::container);
}
