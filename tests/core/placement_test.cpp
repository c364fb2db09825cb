#include "maze/core/placement.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

TEST_CASE("the first hard constraint that a node breaks is named", "[core][placement]") {
  const resources has{.cpu_millis = 4000, .memory = {1000}, .gpus = 1};
  CHECK_FALSE(violated(has, has));
  CHECK(violated(has, {.cpu_millis = 4001, .memory = {2000}, .gpus = 2}) == hard_constraint::cores);
  CHECK(violated(has, {.cpu_millis = 1, .memory = {1001}, .gpus = 2}) == hard_constraint::memory);
  CHECK(violated(has, {.cpu_millis = 1, .memory = {1}, .gpus = 2}) == hard_constraint::gpus);
  CHECK(to_string(hard_constraint::cores) == "cores");
  CHECK(to_string(hard_constraint::memory) == "memory");
  CHECK(to_string(hard_constraint::gpus) == "gpus");
}

TEST_CASE("fewest active comes first, then most local bytes, then the lowest id",
          "[core][placement]") {
  CHECK(is_better({node_id{9}, 1, 0}, {node_id{1}, 2, 500}));
  CHECK(is_better({node_id{9}, 1, 10}, {node_id{1}, 1, 5}));
  CHECK(is_better({node_id{1}, 1, 5}, {node_id{9}, 1, 5}));
  CHECK_FALSE(is_better({node_id{1}, 1, 5}, {node_id{1}, 1, 5}));
}

TEST_CASE("a task that nothing can hold hears what it asks for and what there is",
          "[core][placement]") {
  const auto alone = unplaceable({.cpu_millis = 1000, .memory = {}, .gpus = 9},
                                 {.cpu_millis = 8000, .memory = {}, .gpus = 8});
  CHECK(alone.code == errc::unschedulable);
  CHECK(alone.message
        == "the task asks for 9 GPUs, the largest node has 8 GPUs; ask for less or add a larger "
           "node");
  CHECK(unplaceable({.cpu_millis = 1000, .memory = {}, .gpus = 1},
                    {.cpu_millis = 8000, .memory = {}, .gpus = 0})
            .message
        == "the task asks for 1 GPU, the largest node has none; ask for less or add a larger node");
  const auto together = unplaceable({.cpu_millis = 2000, .memory = {}, .gpus = 1},
                                    {.cpu_millis = 8000, .memory = {}, .gpus = 8});
  CHECK(together.message
        == "no node has 2 cores, 1 GPU at once; ask for less or add a larger node");
}

TEST_CASE("memory that is asked for and memory that is there have like units",
          "[core][placement]") {
  const auto told = [](std::uint64_t asks, std::uint64_t has) {
    return unplaceable({.cpu_millis = 1, .memory = {asks}, .gpus = 0},
                       {.cpu_millis = 1, .memory = {has}, .gpus = 0})
        .message;
  };
  constexpr std::uint64_t node = 16'777'216 * std::uint64_t{1024} - 4096;
  CHECK(told(64'000'000'000, node)
        == "the task asks for 64GB of memory, the largest node has 17.17GB; ask for less or add a "
           "larger node");
  CHECK(told(std::uint64_t{64} << 30, node)
        == "the task asks for 64GiB of memory, the largest node has 15.99GiB; ask for less or add "
           "a larger node");
}

TEST_CASE("a task whose sandbox no node can give hears which part is missing, and what helps",
          "[core][placement]") {
  const auto told = [](const sandbox_offer& missing) {
    const auto out = unplaceable(missing);
    CHECK(out.code == errc::unschedulable);
    return out.message;
  };
  using Catch::Contains;
  CHECK_THAT(told({.sealed = true}), Contains("sandbox level seccomp, which no node gives")
                                         && Contains("maze-node doctor"));
  CHECK_THAT(told({.container = true}), Contains("sandbox level container"));
  CHECK_THAT(told({.cpu_shares = true}), Contains("`cpu_share`") && Contains("degrade: allow"));
  CHECK_THAT(told({.variables = {"TOKEN"}}),
             Contains("variable TOKEN") && Contains("--pass-env TOKEN"));
  CHECK_THAT(told({.permissions = permission_set::all()}),
             Contains("permission read_files, write_files") && Contains("--permit"));
  const auto together =
      unplaceable({.cpu_millis = 2000, .memory = {}, .gpus = 0},
                  {.sealed = true, .cpu_shares = true, .variables = {"A"}}, {{"disk", "ssd"}});
  CHECK(together.message
        == "no node has 2 cores, sandbox level seccomp, shares of cores, variable A, label "
           "disk=ssd at once, though each is there: ask for less, or start a node that has all");
}

TEST_CASE("a task whose label no node has hears how a node gets one", "[core][placement]") {
  const auto told = [](const node_labels& missing) {
    const auto out = unplaceable(missing, false);
    CHECK(out.code == errc::unschedulable);
    return out.message;
  };
  CHECK(told({{"disk", "ssd"}})
        == "the task asks for a node with the label disk=ssd, which none has: start one with "
           "--label disk=ssd");
  CHECK_THAT(unplaceable(node_labels{{"disk", "ssd"}}, true).message,
             Catch::Contains("only nodes have that get no new tasks any more"));
  CHECK_THAT(unplaceable(node_labels{{"node", "w1"}}, true).message,
             Catch::Contains("node w1, which gets no new tasks any more"));
  // Nobody gives a node its name by a label.
  CHECK_THAT(told({{"node", "w1"}}),
             Catch::Contains("node w1") && Catch::Contains("`maze-node nodes`"));
}
