#include "node/private_cluster.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using node::share_of;
using node::worker_share;

TEST_CASE("workers on one machine share out what it offers", "[tools]") {
  const node::machine_offer whole{.total = {.cpu_millis = 8000, .memory = {8000}}};
  CHECK(share_of(whole, std::nullopt, 2, 1) == worker_share{4000, {4000}, std::nullopt});
  CHECK(share_of(whole, 5, 2, 0) == worker_share{4000, {4000}, 3});
  CHECK(share_of(whole, 5, 2, 1) == worker_share{4000, {4000}, 2});
}

TEST_CASE("a task that needs one core finds a worker that has it", "[tools]") {
  const node::machine_offer narrow{.total = {.cpu_millis = 2000, .memory = {900}}};
  CHECK(share_of(narrow, std::nullopt, 3, 2) == worker_share{1000, {300}, std::nullopt});
  CHECK(share_of({.total = {.cpu_millis = 500, .memory = {900}}}, std::nullopt, 2, 0).cpu_millis
        == 500);
}

TEST_CASE("each GPU goes to one of the workers on a machine", "[tools]") {
  node::machine_offer whole;
  whole.gpus.ids = {"0", "1", "2", "3", "4"};
  using ids = std::vector<std::string>;
  CHECK(share_of(whole, std::nullopt, 2, 0).gpus == ids{"0", "1"});
  CHECK(share_of(whole, std::nullopt, 2, 1).gpus == ids{"2", "3", "4"});
  whole.gpus.ids = {"7"};
  CHECK(share_of(whole, std::nullopt, 3, 0).gpus.empty());
  CHECK(share_of(whole, std::nullopt, 3, 1).gpus.empty());
  CHECK(share_of(whole, std::nullopt, 3, 2).gpus == ids{"7"});
}
