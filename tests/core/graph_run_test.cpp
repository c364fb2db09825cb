#include "maze/core/graph_run.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

task_spec after(std::string name, std::vector<std::string> dependencies = {}) {
  task_spec spec;
  spec.name = std::move(name);
  spec.after = std::move(dependencies);
  return spec;
}
graph_run run_of(std::vector<task_spec> tasks, graph_run::options settings = {}) {
  return {std::make_shared<const graph>(graph::build(std::move(tasks)).value()), settings};
}
template <class Wanted, class Items>
std::vector<Wanted> only(const Items& items) {
  std::vector<Wanted> found;
  for (const auto& item : items)
    if (const auto* wanted = std::get_if<Wanted>(&item))
      found.push_back(*wanted);
  return found;
}
attempt_id nth(std::uint64_t counter) { return {1, counter}; }
error because(errc code) { return {.code = code, .message = "as told"}; }
manifest_delta task_wrote(const std::string& path, std::uint64_t content) {
  manifest_delta files;
  files.written[path].hash.low = content;
  return files;
}
std::vector<offer_task> offers(const run_step& step) { return only<offer_task>(step.todo); }

} // namespace

TEST_CASE("a run offers what is ready and completes when all has completed", "[core][run]") {
  auto sut = run_of({after("a"), after("b", {"a"}), after("c", {"a"})});
  auto step = sut.start(0s);
  CHECK(only<run_state_changed>(step.facts)
        == std::vector<run_state_changed>{{run_state::running}});
  CHECK(offers(step) == std::vector<offer_task>{{task_id{0}, nth(1)}});
  CHECK(sut.start(0s).todo.empty());
  sut.attempt_assigned(nth(1), node_id{7}, 0s);
  CHECK(sut.state(task_id{0}) == task_state::assigned);
  sut.attempt_running(nth(1), phase::pull, 0s);
  CHECK(sut.state(task_id{0}) == task_state::running);
  step = sut.publish(nth(1), "out", {}, 0s).value();
  CHECK(step.todo
        == std::vector<run_deed>{acknowledge{nth(1)}, announce_task{task_id{0}},
                                 offer_task{task_id{1}, nth(2)}, offer_task{task_id{2}, nth(3)}});
  CHECK(sut.output(task_id{0}) == "out");
  sut.publish(nth(3), {}, {}, 0s).value();
  CHECK(sut.state() == run_state::running);
  step = sut.publish(nth(2), {}, {}, 0s).value();
  CHECK(only<announce_run>(step.todo) == std::vector<announce_run>{{run_state::completed}});
  CHECK(sut.state() == run_state::completed);
  sut.check_invariants();
}

TEST_CASE("a run without tasks completes as it starts", "[core][run]") {
  auto sut = run_of({});
  CHECK(only<announce_run>(sut.start(0s).todo).size() == 1);
  CHECK(sut.state() == run_state::completed);
}

TEST_CASE("what a lost node held is taken back before it is offered again", "[core][run]") {
  auto sut = run_of({after("a"), after("b")});
  sut.start(0s);
  sut.attempt_assigned(nth(1), node_id{1}, 0s);
  sut.attempt_assigned(nth(2), node_id{2}, 0s);
  const auto step = sut.node_lost(node_id{1}, 0s);
  // The node may have refused it, so that it waits at the scheduler.
  CHECK(only<stop_attempt>(step.todo) == std::vector<stop_attempt>{{task_id{0}, nth(1)}});
  CHECK(std::holds_alternative<stop_attempt>(step.todo.front()));
  CHECK(offers(step) == std::vector<offer_task>{{task_id{0}, nth(3)}});
}

TEST_CASE("a repeated publication is acknowledged again and an old token refused", "[core][run]") {
  auto sut = run_of({after("a"), after("b")});
  sut.start(0s);
  sut.publish(nth(1), "x", {}, 0s).value();
  const auto again = sut.publish(nth(1), "x", {}, 0s).value();
  CHECK(again.facts.empty());
  CHECK(again.todo == std::vector<run_deed>{acknowledge{nth(1)}});
  sut.node_lost(node_id{1}, 0s);
  sut.attempt_assigned(nth(2), node_id{1}, 0s);
  CHECK(offers(sut.node_lost(node_id{1}, 0s)) == std::vector<offer_task>{{task_id{1}, nth(3)}});
  CHECK(sut.publish(nth(2), "zombie", {}, 0s).error().code == errc::stale);
  CHECK(sut.attempt_ended(nth(2), because(errc::exit_nonzero), 0s).error().code == errc::stale);
  CHECK(sut.publish({2, 3}, "other epoch", {}, 0s).error().code == errc::stale);
  CHECK(sut.publish(nth(99), "never given out", {}, 0s).error().code == errc::stale);
  CHECK(sut.stale_refused() == 4);
  CHECK(sut.find(nth(3)) == task_id{1});
  CHECK_FALSE(sut.find(nth(2)));
  CHECK(sut.attempts(task_id{1}) == 2);
  sut.check_invariants();
}

TEST_CASE("a publication that overtakes the news of its placement counts", "[core][run]") {
  auto sut = run_of({after("a")});
  sut.start(0s);
  CHECK(sut.publish(nth(1), "x", {}, 0s));
  CHECK(sut.attempt_assigned(nth(1), node_id{1}, 0s).facts.empty());
  CHECK(sut.state(task_id{0}) == task_state::completed);
}

TEST_CASE("a failure cancels what depends on it and nothing else", "[core][run]") {
  auto sut = run_of({after("top"), after("left", {"top"}), after("right", {"top"}),
                     after("end", {"left", "right"}), after("other"), after("more", {"other"})});
  sut.start(0s);
  const auto step = sut.attempt_ended(nth(1), because(errc::exit_nonzero), 0s).value();
  CHECK(only<task_ended>(step.facts).size() == 4);
  for (const std::uint64_t i : {1, 2, 3}) {
    CHECK(sut.state(task_id{i}) == task_state::cancelled);
    CHECK(sut.reason(task_id{i}).code == errc::upstream_failed);
    CHECK(sut.reason(task_id{i}).message.find("\"top\"") != std::string::npos);
  }
  CHECK(sut.reason(task_id{4}).code == errc::none);
  CHECK(sut.state() == run_state::running);
  sut.publish(nth(2), {}, {}, 0s).value();
  CHECK(sut.state(task_id{5}) == task_state::queued);
  sut.publish(nth(3), {}, {}, 0s).value();
  CHECK(sut.state() == run_state::failed);
  CHECK(sut.counts()[static_cast<std::size_t>(task_state::cancelled)] == 3);
  sut.check_invariants();
}

TEST_CASE("a retryable failure is tried again after a wait, as often as allowed", "[core][run]") {
  auto spec = after("a");
  spec.retries = 1;
  auto sut = run_of({spec}, {.retry_delay = {.first = 1s, .longest = 8s}});
  sut.start(0s);
  const auto step = sut.attempt_ended(nth(1), because(errc::transfer_error), 10s).value();
  CHECK(only<attempt_failed>(step.facts).size() == 1);
  const auto wake = only<wake_at>(step.todo);
  REQUIRE(wake.size() == 1);
  CHECK(wake[0].at > 10s + 700ms);
  CHECK(wake[0].at <= 11s);
  CHECK(sut.time_passed(10s).todo.empty());
  CHECK(offers(sut.time_passed(wake[0].at)) == std::vector<offer_task>{{task_id{0}, nth(2)}});
  const auto last = sut.attempt_ended(nth(2), because(errc::timeout_wall), 20s).value();
  CHECK(only<task_ended>(last.facts).at(0).state == task_state::timeout);
  CHECK(sut.state() == run_state::failed);
  sut.check_invariants();
}

TEST_CASE("lost nodes and crashed workers cost no retries up to a bound", "[core][run]") {
  auto sut = run_of({after("a")}, {.free_retries = 2});
  sut.start(0s);
  sut.attempt_assigned(nth(1), node_id{4}, 0s);
  CHECK(offers(sut.node_lost(node_id{4}, 0s)).size() == 1);
  CHECK(
      only<attempt_failed>(sut.attempt_ended(nth(2), because(errc::worker_crash), 0s)->facts).size()
      == 1);
  CHECK(offers(sut.time_passed(1h)).size() == 1);
  sut.attempt_ended(nth(3), because(errc::worker_crash), 0s).value();
  CHECK(sut.state(task_id{0}) == task_state::failed);
  sut.check_invariants();
}

TEST_CASE("cancelling stops what is out and refuses what comes late", "[core][run]") {
  auto sut = run_of({after("a"), after("b", {"a"}), after("done")});
  sut.start(0s);
  sut.publish(nth(2), {}, {}, 0s).value();
  const auto step = sut.cancel(because(errc::cancelled), 0s);
  CHECK(only<stop_attempt>(step.todo) == std::vector<stop_attempt>{{task_id{0}, nth(1)}});
  CHECK(only<run_state_changed>(step.facts)
        == std::vector<run_state_changed>{{run_state::cancelling}, {run_state::cancelled}});
  CHECK(sut.reason(task_id{1}).code == errc::cancelled);
  CHECK(sut.state(task_id{2}) == task_state::completed);
  CHECK(sut.publish(nth(1), {}, {}, 0s).error().code == errc::stale);
  CHECK(sut.cancel(because(errc::cancelled), 0s).facts.empty());
  sut.check_invariants();
}

TEST_CASE("a run that has not started can be cancelled and then never starts", "[core][run]") {
  auto sut = run_of({after("a")});
  sut.cancel(because(errc::cancelled), 0s);
  CHECK(sut.state() == run_state::cancelled);
  CHECK(sut.start(0s).todo.empty());
}

TEST_CASE("a view holds the files of ancestors and the outputs that references name",
          "[core][run]") {
  auto reader = after("reader", {"second"});
  reader.inputs["x"] = {reference{.task = "first", .path = {}}};
  auto sut = run_of({after("first"), after("second", {"first"}), after("stranger"), reader});
  sut.start(0s);
  CHECK(sut.view_of(task_id{3}).error().code == errc::invalid_argument);
  sut.publish(nth(1), "one", task_wrote("x", 1), 0s).value();
  sut.publish(nth(2), "aside", task_wrote("z", 9), 0s).value();
  sut.publish(nth(3), "two", task_wrote("x", 2), 0s).value();
  const auto view = sut.view_of(task_id{3}).value();
  CHECK(view.published == task_wrote("x", 2));
  CHECK(view.outputs == std::map<std::string, std::string>{{"first", "one"}});
  CHECK(sut.collected()->size() == 2);
}

TEST_CASE("the first task that would see a conflict fails and is never offered", "[core][run]") {
  auto sut = run_of({after("a"), after("b"), after("both", {"a", "b"}), after("behind", {"both"})});
  sut.start(0s);
  sut.publish(nth(1), {}, task_wrote("x", 1), 0s).value();
  const auto step = sut.publish(nth(2), {}, task_wrote("x", 2), 0s).value();
  CHECK(offers(step).empty());
  CHECK(sut.reason(task_id{2}).code == errc::file_conflict);
  CHECK(sut.reason(task_id{3}).code == errc::upstream_failed);
  CHECK(sut.state() == run_state::failed);
  CHECK(sut.collected().error().code == errc::file_conflict);
  sut.check_invariants();
}

TEST_CASE("one cancelled task takes along what depends on it and nothing else", "[core][run]") {
  auto sut = run_of({after("a"), after("b", {"a"}), after("c")});
  sut.start(0s);
  const auto step = sut.cancel_task(task_id{0}, because(errc::cancelled), 0s);
  CHECK(only<stop_attempt>(step.todo) == std::vector<stop_attempt>{{task_id{0}, nth(1)}});
  CHECK(sut.reason(task_id{0}) == because(errc::cancelled));
  CHECK(sut.reason(task_id{1}).code == errc::upstream_failed);
  CHECK(sut.state() == run_state::running);
  sut.check_invariants();
  CHECK(sut.publish(nth(1), "late", {}, 0s).error().code == errc::stale);
  CHECK(sut.cancel_task(task_id{0}, because(errc::cancelled), 0s).facts.empty());
  sut.publish(nth(2), {}, {}, 0s).value();
  CHECK(sut.state() == run_state::cancelled);
  sut.check_invariants();
}

TEST_CASE("a task is cancelled while it waits, for a place or for its next attempt",
          "[core][run]") {
  auto retried = after("b");
  retried.retries = 1;
  auto sut = run_of({after("a"), retried, after("c")}, {.offered_max = 2});
  sut.start(0s);
  CHECK(only<stop_attempt>(sut.cancel_task(task_id{2}, because(errc::cancelled), 0s).todo).empty());
  sut.check_invariants();
  sut.attempt_ended(nth(2), because(errc::timeout_wall), 0s).value();
  CHECK(sut.state(task_id{1}) == task_state::queued);
  sut.cancel_task(task_id{1}, because(errc::cancelled), 0s);
  sut.check_invariants();
  CHECK(offers(sut.time_passed(1h)).empty());
  sut.publish(nth(1), {}, {}, 0s).value();
  CHECK(sut.state() == run_state::cancelled);
  sut.check_invariants();
}

TEST_CASE("a run with calls ends when they are over, as badly as they did", "[core][run]") {
  const bool failed = GENERATE(false, true);
  auto sut = run_of({after("a")}, {.has_calls = true});
  sut.start(0s);
  CHECK(only<announce_run>(sut.publish(nth(1), {}, {}, 0s).value().todo).empty());
  CHECK(sut.state() == run_state::running);
  sut.check_invariants();
  const auto step = sut.calls_over(failed, 1s);
  CHECK(sut.state() == (failed ? run_state::failed : run_state::completed));
  CHECK(only<announce_run>(step.todo).size() == 1);
  sut.check_invariants();
}

TEST_CASE("a run may have calls and no task, and be cancelled", "[core][run]") {
  auto sut = run_of({}, {.has_calls = true});
  sut.start(0s);
  CHECK(sut.state() == run_state::running);
  sut.cancel(because(errc::cancelled), 0s);
  CHECK(sut.state() == run_state::cancelling);
  sut.calls_over(true, 1s);
  CHECK(sut.state() == run_state::cancelled);
}
