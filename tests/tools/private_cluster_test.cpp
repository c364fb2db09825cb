#include "node/private_cluster.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using node::share_of;
using node::worker_share;

TEST_CASE("workers on one machine share out what it offers", "[tools]") {
  const core::resources whole{.cpu_millis = 8000, .memory = {8000}};
  CHECK(share_of(whole, std::nullopt, 2, 1) == worker_share{4000, {4000}, std::nullopt});
  CHECK(share_of(whole, 5, 2, 0) == worker_share{4000, {4000}, 3});
  CHECK(share_of(whole, 5, 2, 1) == worker_share{4000, {4000}, 2});
}

TEST_CASE("a task that needs one core finds a worker that has it", "[tools]") {
  const core::resources narrow{.cpu_millis = 2000, .memory = {900}};
  CHECK(share_of(narrow, std::nullopt, 3, 2) == worker_share{1000, {300}, std::nullopt});
  CHECK(share_of({.cpu_millis = 500, .memory = {900}}, std::nullopt, 2, 0).cpu_millis == 500);
}
