#include "maze/core/graph.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

task_spec after(std::string name, std::vector<std::string> dependencies = {}) {
  task_spec spec;
  spec.name = std::move(name);
  spec.after = std::move(dependencies);
  return spec;
}

std::vector<task_id> ids(std::initializer_list<std::uint64_t> values) {
  std::vector<task_id> made;
  for (const auto value : values)
    made.push_back(task_id{value});
  return made;
}

std::vector<task_id> listed(std::span<const task_id> span) { return {span.begin(), span.end()}; }

} // namespace

TEST_CASE("a graph lists dependencies and successors once and in ascending order",
          "[core][graph]") {
  auto last = after("last", {"b", "a", "b"});
  last.inputs["x"] = {reference{.task = "a", .path = {std::string("out")}}};
  last.inputs["y"] = {input_list{{reference{.task = "c", .path = {}}}}};
  const auto made = graph::build({after("a"), after("b"), after("c", {"a"}), last}).value();
  CHECK(made.size() == 4);
  CHECK(listed(made.dependencies(task_id{3})) == ids({0, 1, 2}));
  CHECK(listed(made.dependencies(task_id{0})).empty());
  CHECK(listed(made.successors(task_id{0})) == ids({2, 3}));
  CHECK(listed(made.successors(task_id{3})).empty());
  CHECK(made.find("c") == task_id{2});
  CHECK(made.find("d") == std::nullopt);
  CHECK(made.spec(task_id{1}).name == "b");
}

TEST_CASE("references in command words are dependencies too", "[core][graph]") {
  auto use = after("use");
  use.action = command_action{
      {input_expression{value("cat")}, input_expression{reference{.task = "make", .path = {}}}}};
  const auto made = graph::build({use, after("make")}).value();
  CHECK(listed(made.dependencies(task_id{0})) == ids({1}));
  CHECK(listed(made.order()) == ids({1, 0}));
}

TEST_CASE("the order puts each task after its dependencies and breaks ties by id",
          "[core][graph]") {
  const auto made =
      graph::build({after("d", {"b"}), after("c"), after("b"), after("a", {"c"})}).value();
  CHECK(listed(made.order()) == ids({1, 2, 0, 3}));
}

TEST_CASE("a workflow without tasks is a graph", "[core][graph]") {
  const auto made = graph::build({}).value();
  CHECK(made.size() == 0);
  CHECK(made.order().empty());
  CHECK(made.find("") == std::nullopt);
}

TEST_CASE("two tasks of one name are refused by name", "[core][graph]") {
  const auto made = graph::build({after("a"), after("b"), after("a")});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::already_exists);
  CHECK(made.error().message == "two tasks are named \"a\"; rename one");
}

TEST_CASE("an unknown dependency is refused with both names", "[core][graph]") {
  const auto made = graph::build({after("a", {"ghost"})});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::not_found);
  CHECK(made.error().message == "task \"a\" depends on \"ghost\", which does not exist");
}

TEST_CASE("a cycle is refused and printed", "[core][graph]") {
  const auto made = graph::build({after("x"), after("a", {"b", "x"}), after("b", {"c"}),
                                  after("c", {"a"}), after("behind", {"a"})});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::invalid_argument);
  CHECK(made.error().message
        == "the tasks a -> b -> c -> a wait for each other; remove one of these dependencies");
}

TEST_CASE("a task that waits for itself is a cycle", "[core][graph]") {
  const auto made = graph::build({after("a", {"a"})});
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("a -> a") != std::string::npos);
}

TEST_CASE("a long cycle is printed with its middle left out", "[core][graph]") {
  std::vector<task_spec> tasks;
  for (int i = 0; i < 100; ++i)
    tasks.push_back(after("t" + std::to_string(i), {"t" + std::to_string((i + 1) % 100)}));
  const auto made = graph::build(tasks);
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("t0 -> t1 -> t2") != std::string::npos);
  CHECK(made.error().message.find("t13 -> (86 more) -> t0 wait") != std::string::npos);
}

TEST_CASE("a chain of a hundred thousand tasks needs no stack", "[core][graph]") {
  constexpr std::size_t length = 100'000;
  std::vector<std::vector<std::size_t>> edges(length);
  for (std::size_t i = 0; i + 1 < length; ++i)
    edges[i].push_back(i + 1);
  CHECK_FALSE(find_cycle(edges));
  edges[length - 1].push_back(0);
  const auto cycle = find_cycle(edges);
  REQUIRE(cycle);
  CHECK(cycle->size() == length + 1);
  CHECK(cycle->front() == cycle->back());
}
