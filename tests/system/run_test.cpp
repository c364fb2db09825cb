#include "support/local_cluster.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

using namespace maze;
using namespace std::chrono_literals;
using core::task_state;

namespace {

core::reference reference(const std::string& text) { return core::parse_reference(text).value(); }

/// The text of the workflow's result.
std::string result_text(const actors::run_report& report) {
  REQUIRE_FALSE(report.result.empty());
  const core::value result = core::decode(report.result).value();
  REQUIRE(result.is<std::string>());
  return *result.as<std::string>();
}

void check_completed(const actors::run_report& report) {
  for (const actors::task_outcome& outcome : report.not_completed)
    UNSCOPED_INFO(outcome.task << ": " << core::describe(outcome.reason));
  CHECK(report.state == core::run_state::completed);
}

/// in.txt -> top.txt -> left.txt, right.txt -> bottom.txt
std::vector<core::task_spec> diamond_of_files() {
  return {test::shell("top", "tr a-z A-Z < in.txt > top.txt"),
          test::shell("left", "sed s/^/left:/ top.txt > left.txt", {"top"}),
          test::shell("right", "sed s/^/right:/ top.txt > right.txt", {"top"}),
          test::shell("bottom", "cat left.txt right.txt | tee bottom.txt", {"left", "right"})};
}

} // namespace

TEST_CASE("a diamond of commands passes files from task to task", "[system][run]") {
  test::local_cluster cluster;
  auto work = test::work_of(diamond_of_files());
  work.result = reference("bottom.output.run.stdout");
  cluster.give(work, {{"in.txt", "hello\n"}});
  const auto report = cluster.run(work);
  check_completed(report);
  CHECK(result_text(report) == "left:HELLO\nright:HELLO\n");
  CHECK(cluster.content(report.published, "bottom.txt") == "left:HELLO\nright:HELLO\n");
  CHECK(report.published.size() == 4);
}

TEST_CASE("values go from a task's output into another's command", "[system][run]") {
  test::local_cluster cluster;
  auto reader = test::shell("reader", "printf 'got %s' \"$MAZE_INPUT_x\"");
  reader.parameters = {{.name = "x"}};
  reader.inputs["x"] = {reference("writer.output.run.stdout")};
  auto work = test::work_of({test::shell("writer", "printf 42"), reader});
  work.result = reference("reader.output.run.stdout");
  CHECK(result_text(cluster.run(work)) == "got 42");
}

TEST_CASE("runs at the same time with the same file names never mix", "[system][run]") {
  test::local_cluster cluster;
  std::vector<actors::submission> works;
  for (int i = 0; i < 20; ++i) {
    works.push_back(test::work_of(diamond_of_files()));
    cluster.give(works.back(), {{"in.txt", fmt::format("run {}\n", i)}});
  }
  const auto reports = cluster.run_all(std::move(works));
  REQUIRE(reports.size() == 20);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    check_completed(reports[i]);
    CHECK(cluster.content(reports[i].published, "bottom.txt")
          == fmt::format("left:RUN {0}\nright:RUN {0}\n", i));
  }
}

TEST_CASE("a task that fails cancels what depends on it while a branch apart goes on",
          "[system][run]") {
  test::local_cluster cluster;
  auto tasks = test::diamond();
  tasks[0] = test::shell("top", "echo broken >&2; exit 3");
  tasks.push_back(test::shell("apart", "echo fine > apart.txt"));
  const auto report = cluster.run(test::work_of(tasks));
  CHECK(report.state == core::run_state::failed);
  CHECK(test::ends_of(report)
        == std::map<std::string, task_state>{{"top", task_state::failed},
                                             {"left", task_state::cancelled},
                                             {"right", task_state::cancelled},
                                             {"bottom", task_state::cancelled}});
  const core::error why = test::reason_of(report, "top");
  CHECK(why.code == core::errc::exit_nonzero);
  CHECK(why.exit_code == 3);
  CHECK(why.evidence == "broken\n");
  CHECK(test::reason_of(report, "bottom").code == core::errc::upstream_failed);
  CHECK(cluster.content(report.published, "apart.txt") == "fine\n");
}

TEST_CASE("what a failed attempt wrote is visible nowhere", "[system][run]") {
  test::local_cluster cluster;
  auto fails = test::shell("fails", "echo half > half.txt; echo changed > in.txt; exit 1");
  auto later = test::shell("later", "cat in.txt; ls");
  auto work = test::work_of({fails, later});
  work.result = reference("later.output.run.stdout");
  cluster.give(work, {{"in.txt", "as it was\n"}});
  const auto report = cluster.run(work);
  CHECK(report.published.empty());
  CHECK(result_text(report) == "as it was\nin.txt\n");
}

TEST_CASE("two tasks apart that publish one path with different content are both named",
          "[system][run]") {
  test::local_cluster cluster;
  const auto report = cluster.run(test::work_of(
      {test::shell("one", "echo 1 > same.txt"), test::shell("two", "echo 2 > same.txt"),
       test::shell("both", "cat same.txt", {"one", "two"})}));
  const core::error why = test::reason_of(report, "both");
  CHECK(why.code == core::errc::file_conflict);
  for (const char* word : {"one", "two", "same.txt"})
    CHECK(why.message.find(word) != std::string::npos);
}

TEST_CASE("a task may change its ancestor's file in place", "[system][run]") {
  test::local_cluster cluster;
  auto work = test::work_of({test::shell("first", "echo first > log.txt"),
                             test::shell("second", "echo second >> log.txt", {"first"}),
                             test::shell("third", "cat log.txt", {"second"})});
  work.result = reference("third.output.run.stdout");
  const auto report = cluster.run(work);
  check_completed(report);
  CHECK(result_text(report) == "first\nsecond\n");
  CHECK(cluster.content(report.published, "log.txt") == "first\nsecond\n");
}

TEST_CASE("a task that takes too long is tried as often as it may and then timed out",
          "[system][run]") {
  test::local_cluster cluster;
  auto slow = test::shell("slow", "sleep 60");
  slow.sandbox.wall_time = 200ms;
  slow.retries = 1;
  const auto report = cluster.run(test::work_of({slow, test::shell("next", "true", {"slow"})}));
  CHECK(test::ends_of(report)
        == std::map<std::string, task_state>{{"slow", task_state::timeout},
                                             {"next", task_state::cancelled}});
  CHECK(report.not_completed.at(0).attempts == 2);
  CHECK(test::reason_of(report, "slow").code == core::errc::timeout_wall);
}

TEST_CASE("a retry can succeed, and sees nothing of the attempt before", "[system][run]") {
  test::local_cluster cluster;
  auto flaky = test::shell("flaky", "test -e mark && echo dirty; touch mark; "
                                    "test $MAZE_ATTEMPT = 2 || sleep 60; echo second");
  flaky.sandbox.wall_time = 500ms;
  flaky.retries = 3;
  auto work = test::work_of({flaky});
  work.result = reference("flaky.output.run.stdout");
  const auto report = cluster.run(work);
  check_completed(report);
  CHECK(result_text(report) == "second\n");
}

TEST_CASE("long output is cut in the value and whole in the logs", "[system][run]") {
  test::local_cluster cluster;
  auto work = test::work_of({test::shell("talk", "seq 1 30000")});
  work.result = reference("talk.output.run.stdout");
  const auto report = cluster.run(work);
  const std::string kept = result_text(report);
  CHECK(kept.size() == std::size_t{64} << 10);
  std::string logged;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(cluster.node().folder() / "runs"))
    if (entry.path().filename() == "talk.1.out")
      logged = test::local_cluster::read(entry.path());
  CHECK(logged.compare(0, kept.size(), kept) == 0);
  CHECK(std::count(logged.begin(), logged.end(), '\n') == 30000);
  CHECK(logged.substr(logged.size() - 6) == "30000\n");
}

TEST_CASE("a secret reaches the child and no file of the node", "[system][run]") {
  const std::string secret = "xyzzy-plugh-4711";
  test::local_cluster cluster;
  auto task =
      test::shell("login", "test \"$MAZE_INPUT_api_key\" = \"$(printf 'xyzzy-%s-4711' plugh)\"");
  task.parameters = {{.name = "api_key"}};
  auto fails = test::shell("fails", "echo looked >&2; exit 1");
  fails.parameters = task.parameters;
  auto work = test::work_of({task, fails});
  work.context["api_key"] = {.content = core::value(secret), .secret = true};
  const auto report = cluster.run(work);
  CHECK(test::ends_of(report) == std::map<std::string, task_state>{{"fails", task_state::failed}});
  std::size_t files = 0;
  // Views of the run may go meanwhile, and the walk ends where it finds one gone.
  for (std::error_code gone = std::make_error_code(std::errc::no_such_file_or_directory); gone;) {
    files = 0;
    for (std::filesystem::recursive_directory_iterator
             entry(cluster.node().folder().parent_path(), gone),
         end;
         !gone && entry != end; entry.increment(gone))
      if (entry->is_regular_file(gone)) {
        ++files;
        INFO(entry->path());
        CHECK(test::local_cluster::read(entry->path()).find(secret) == std::string::npos);
      }
  }
  CHECK(files >= 3);
}
