#include "support/function_tasks.hpp"
#include "support/local_cluster.hpp"

using namespace maze;
using namespace maze::actors;
using test::calling_code;

namespace {

/// A node that keeps warm children, and serves nobody.
struct warm_node : test::local_cluster {
  warm_node() : local_cluster(2, [](node_settings& settings) { settings.warm_children = true; }) {}

  /// What the last one of `tasks` returned, which run one after the other.
  core::value last_of(std::vector<core::task_spec> tasks) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].name = "t" + std::to_string(i);
      if (i > 0)
        tasks[i].after = {tasks[i - 1].name};
    }
    const std::string name = tasks.back().name;
    actors::submission work = test::work_of(std::move(tasks));
    work.result = core::parse_reference(name + ".output.r").value();
    report = run(std::move(work));
    return report.result.empty() ? core::value() : core::decode(report.result).value();
  }

  actors::run_report report;
};

core::task_spec warm(core::task_spec spec) {
  spec.child = core::child_use::warm;
  return spec;
}

const std::string counting = "count = 0\ndef f():\n  global count\n  count += 1\n  return count\n";

} // namespace

TEST_CASE_METHOD(warm_node, "tasks that ask for a warm child share one, others do not",
                 "[actors][warm]") {
  const auto task = warm(calling_code(counting));
  CHECK(last_of({task, task, task}) == core::value(3));
  const auto alone = calling_code(counting);
  CHECK(last_of({alone, alone, alone}) == core::value(1));
}

TEST_CASE_METHOD(warm_node, "a warm child makes no more calls than its tasks say",
                 "[actors][warm]") {
  auto task = warm(calling_code(counting));
  task.child_calls_max = 2;
  CHECK(last_of({task, task}) == core::value(2));
  CHECK(last_of({task, task, task, task, task}) == core::value(1));
  auto unbounded = warm(calling_code(counting));
  CHECK(last_of({task, unbounded, task, unbounded, unbounded}) == core::value(3));
}

TEST_CASE_METHOD(warm_node, "a run's warm tasks never meet those of another run",
                 "[actors][warm]") {
  const auto task = warm(calling_code(counting));
  CHECK(last_of({task, task}) == core::value(2));
  CHECK(last_of({task}) == core::value(1));
}

TEST_CASE_METHOD(warm_node, "functions of several kinds and libraries run in warm children",
                 "[actors][warm]") {
  std::vector<core::task_spec> tasks{warm(test::calling("plain", "add", {{"a", 1}, {"b", 2}})),
                                     warm(calling_code("def g(x): return x * 2", {{"x", 21}})),
                                     warm(calling_code("def h(x): return [x]", {{"x", 4}}))};
  actors::submission work = test::work_of({});
  for (std::size_t i = 0; i < tasks.size(); ++i)
    tasks[i].name = "t" + std::to_string(i);
  work.tasks = test::graph_of(tasks);
  work.libraries = {{"plain", test::put_library(node().blobs(), "plain")}};
  work.result = core::parse_reference("t2.output.r").value();
  const auto told = run(std::move(work));
  CHECK(told.state == core::run_state::completed);
  CHECK(core::decode(told.result).value() == core::value(core::list{4}));
}

TEST_CASE_METHOD(warm_node,
                 "a warm task that fails, crashes or takes too long says so, the next one runs",
                 "[actors][warm]") {
  auto raising = warm(calling_code("def f(): raise ValueError('no')"));
  auto crashing = warm(calling_code("import os\ndef f(): os.abort()"));
  auto late = warm(calling_code("import threading\ndef f(): threading.Event().wait(3600)"));
  late.sandbox.wall_time = std::chrono::milliseconds(300);
  const std::pair<core::task_spec, core::errc> all[] = {{raising, core::errc::user_exception},
                                                        {crashing, core::errc::signalled},
                                                        {late, core::errc::timeout_wall}};
  for (const auto& [task, code] : all) {
    last_of({task});
    CHECK(test::reason_of(report, "t0").code == code);
    CHECK(last_of({warm(calling_code(counting))}) == core::value(1));
  }
}
