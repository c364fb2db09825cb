#include "maze/core/graph_run_books.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

task_spec plain(std::string name, std::int32_t priority = 0) {
  task_spec spec;
  spec.name = std::move(name);
  spec.priority = priority;
  return spec;
}
graph_run run_of(std::vector<task_spec> tasks, graph_run::options settings = {}) {
  return {std::make_shared<const graph>(graph::build(std::move(tasks)).value()), settings};
}
std::vector<offer_task> offers(const run_step& step) {
  std::vector<offer_task> found;
  for (const auto& deed : step.todo)
    if (const auto* offer = std::get_if<offer_task>(&deed))
      found.push_back(*offer);
  return found;
}

} // namespace

TEST_CASE("the window takes the most urgent first and refills as tasks end", "[core][run]") {
  auto sut = run_of({plain("a", -20), plain("b"), plain("c", 20), plain("d")}, {.offered_max = 2});
  CHECK(offers(sut.start(0s))
        == std::vector<offer_task>{{task_id{2}, {1, 1}}, {task_id{1}, {1, 2}}});
  CHECK(offers(*sut.publish({1, 1}, {}, {}, 0s)) == std::vector<offer_task>{{task_id{3}, {1, 3}}});
  CHECK(offers(*sut.publish({1, 2}, {}, {}, 0s)) == std::vector<offer_task>{{task_id{0}, {1, 4}}});
  sut.check_invariants();
}

TEST_CASE("a task that waits for its retry leaves its place in the window", "[core][run]") {
  auto first = plain("a", 1);
  first.retries = 1;
  auto sut = run_of({first, plain("b")}, {.offered_max = 1});
  sut.start(0s);
  const auto step = sut.attempt_ended({1, 1}, {.code = errc::transfer_error}, 0s).value();
  CHECK(offers(step) == std::vector<offer_task>{{task_id{1}, {1, 2}}});
  CHECK(offers(sut.time_passed(1h)).empty());
  sut.check_invariants();
  CHECK(offers(*sut.publish({1, 2}, {}, {}, 0s)) == std::vector<offer_task>{{task_id{0}, {1, 3}}});
}

TEST_CASE("tokens of different runs never meet", "[core][run]") {
  auto sut = run_of({plain("a")}, {.epoch = 5, .first_token = 3 * graph_run::tokens_max + 1});
  CHECK(offers(sut.start(0s)).at(0).attempt == attempt_id{5, 3 * graph_run::tokens_max + 1});
  CHECK_FALSE(sut.find({5, 1}));
}

TEST_CASE("only declared removals are published", "[core][run]") {
  auto tidy = plain("tidy");
  tidy.deletes = {"tmp/*"};
  auto sut = run_of({tidy, plain("plain")});
  sut.start(0s);
  const manifest_delta files{.written = {}, .removed = {"tmp/x", "kept"}};
  const auto declared = sut.publish({1, 1}, {}, files, 0s).value();
  CHECK(std::get<task_ended>(declared.facts.at(0)).files.removed
        == std::vector<std::string>{"tmp/x"});
  const auto silent = sut.publish({1, 2}, {}, files, 0s).value();
  CHECK(std::get<task_ended>(silent.facts.at(0)).files.removed.empty());
}

TEST_CASE("files outside the taskspace are refused and the attempt goes on", "[core][run]") {
  auto sut = run_of({plain("a")});
  sut.start(0s);
  manifest_delta files;
  files.written["../escape"] = {};
  const auto refused = sut.publish({1, 1}, {}, files, 0s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::malformed);
  CHECK(sut.find({1, 1}) == task_id{0});
  CHECK(sut.publish({1, 1}, {}, {}, 0s));
  sut.check_invariants();
}

TEST_CASE("an attempt that ends as cancelled ends its task and the run so", "[core][run]") {
  auto sut = run_of({plain("a"), plain("b")});
  sut.start(0s);
  sut.attempt_ended({1, 1}, {.code = errc::cancelled, .message = "stopped"}, 0s).value();
  CHECK(sut.state(task_id{0}) == task_state::cancelled);
  sut.publish({1, 2}, {}, {}, 0s).value();
  CHECK(sut.state() == run_state::cancelled);
}

TEST_CASE("an end without a reason is a defect and says so", "[core][run]") {
  auto sut = run_of({plain("a")});
  sut.start(0s);
  sut.attempt_ended({1, 1}, {}, 0s).value();
  CHECK(sut.reason(task_id{0}).code == errc::scheduler_error);
}

TEST_CASE("twenty thousand tasks in a line fail together without a stack", "[core][run]") {
  constexpr std::size_t length = 20'000;
  std::vector<task_spec> tasks(length);
  for (std::size_t i = 0; i < length; ++i) {
    tasks[i].name = "t" + std::to_string(i);
    if (i > 0)
      tasks[i].after = {tasks[i - 1].name};
  }
  auto sut = run_of(std::move(tasks));
  sut.start(0s);
  const auto step = sut.attempt_ended({1, 1}, {.code = errc::user_exception}, 0s).value();
  CHECK(step.facts.size() == length + 1);
  CHECK(sut.reason(task_id{length - 1}).message.find("\"t0\"") != std::string::npos);
  CHECK(sut.state() == run_state::failed);
}
