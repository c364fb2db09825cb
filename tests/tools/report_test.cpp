#include "node/report.hpp"

#include "maze/core/printable.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace maze;
using namespace maze::node;
using namespace std::chrono_literals;
using core::errc;
using core::task_state;

namespace {

run_report failed_run() {
  run_report out{.name = "word-count",
                 .run = "3x7k",
                 .state = core::run_state::failed,
                 .total = 10,
                 .files = {"a.txt", "b\xff.txt"},
                 .out = "./word-count-3x7k",
                 .started = 1'700'000'000'250ms,
                 .elapsed = 65s,
                 .late_refused = 3};
  out.counts[static_cast<std::size_t>(task_state::completed)] = 6;
  out.counts[static_cast<std::size_t>(task_state::failed)] = 2;
  out.counts[static_cast<std::size_t>(task_state::cancelled)] = 2;
  out.failed = {
      {.name = "count-3",
       .state = task_state::failed,
       .elapsed = 1500ms,
       .reason = {.code = errc::exit_nonzero,
                  .message = "the command ended with status 3",
                  .origin = "execute",
                  .exit_code = 3,
                  .evidence = "one\n\ntwo\nthree\nfour\nfive\x1b[2J\nsix"}},
      {.name = "crash",
       .state = task_state::failed,
       .reason = {.code = errc::signalled, .message = "killed\nby 11", .signal = 11}},
      {.name = "after",
       .state = task_state::cancelled,
       .reason = {.code = errc::upstream_failed, .message = "upstream task 'crash' failed"}},
  };
  return out;
}

} // namespace

TEST_CASE("a failed run says what failed, why, and where the results are", "[tools][report]") {
  CHECK(summary(failed_run(), {.width = 80})
        == "word-count 3x7k failed after 1:05: 6 of 10 done, 2 failed, 2 cancelled\n"
           "TASK     STATE   EXIT       REASON\n"
           "count-3  failed  3          exit_nonzero: the command ended with status 3\n"
           "  | two\n"
           "  | three\n"
           "  | four\n"
           "  | five\\x1b[2J\n"
           "  | six\n"
           "crash    failed  signal 11  signalled: killed\\nby 11\n"
           "cancelled: after\n"
           "2 files in ./word-count-3x7k\n");
}

TEST_CASE("a good run is two lines", "[tools][report]") {
  run_report report{
      .name = "w", .run = "1", .total = 1, .files = {"a"}, .out = "./w-1", .elapsed = 1s};
  report.counts[static_cast<std::size_t>(task_state::completed)] = 1;
  CHECK(summary(report, {}) == "w 1 completed after 1.0 s: 1 of 1 done\n1 file in ./w-1\n");
}

TEST_CASE("tasks that had less than they asked for are told", "[tools][report]") {
  core::isolation less{.requested = core::sandbox_level::seccomp, .began = true};
  less.add(core::fence::limits);
  core::isolation plain{.requested = core::sandbox_level::none, .began = true};
  run_report report{.name = "w", .run = "1", .total = 1, .elapsed = 1s};
  report.counts[static_cast<std::size_t>(task_state::completed)] = 1;
  report.cards = {{less, 2, "a"}, {plain, 1, "b"}};
  CHECK(summary(report, {.width = 200})
        == "w 1 completed after 1.0 s: 1 of 1 done\n"
           "2 tasks ran at level subprocess instead of seccomp, as `degrade: allow` lets: a and "
           "others\n");
  const auto told = nlohmann::json::parse(json_report(report)).at("isolation");
  CHECK(told.at(0)
        == nlohmann::json{{"requested", "seccomp"},
                          {"level", "subprocess"},
                          {"fences", {"limits"}},
                          {"tasks", 2},
                          {"task", "a"}});
  CHECK(told.at(1).at("fences").empty());
}

TEST_CASE("what was not published is said", "[tools][report]") {
  run_report report{.name = "w", .run = "1", .total = 1, .elapsed = 1s};
  report.counts[static_cast<std::size_t>(task_state::completed)] = 1;
  report.left_out = {{"gen.py", "make", {}, 0}, {"b.py", "make", {}, 0}};
  CHECK(summary(report, {.width = 100})
        == "w 1 completed after 1.0 s: 1 of 1 done\n"
           "not published (looks like code or a cache, or is ignored): gen.py of task make and 1 "
           "more\n");
}

TEST_CASE("each stream that was cut is a warning that names task, stream, sizes and log",
          "[tools][report]") {
  run_report report{.name = "w", .run = "1", .total = 1, .elapsed = 1s};
  report.counts[static_cast<std::size_t>(task_state::completed)] = 1;
  report.truncated = {
      {.task = "talk", .stream = "stdout", .total = 168894, .kept = 65536, .log = "/l/talk.1.out"},
      {.task = "talk", .attempt = 2, .stream = "stderr", .total = 70000, .kept = 65536},
      {.task = "full",
       .stream = "stdout",
       .total = 70000,
       .kept = 65536,
       .log_error = "open x: No space left on device"}};
  CHECK(
      summary(report, {.width = 200})
      == "w 1 completed after 1.0 s: 1 of 1 done\n"
         "warning: stdout of task talk has 168894 bytes, and only the first 65536 were kept; its "
         "log is /l/talk.1.out\n"
         "warning: stderr of task talk (attempt 2) has 70000 bytes, and only the first 65536 were "
         "kept; --keep keeps its log\n"
         "warning: stdout of task full has 70000 bytes, and only the first 65536 were kept; its "
         "log could not be written: open x: No space left on device\n");
  const auto json = nlohmann::json::parse(json_report(report));
  REQUIRE(json["truncated"].size() == 3);
  CHECK(json["truncated"][0]
        == nlohmann::json{{"task", "talk"},
                          {"attempt", 1},
                          {"stream", "stdout"},
                          {"total", 168894},
                          {"kept", 65536},
                          {"log", "/l/talk.1.out"},
                          {"log_error", nullptr}});
  CHECK(json["truncated"][2]["log"].is_null());
  CHECK(json["truncated"][2]["log_error"] == "open x: No space left on device");
  report.truncated.assign(12, report.truncated[1]);
  CHECK_THAT(summary(report, {.width = 200}),
             Catch::Matchers::Contains("and 2 more streams were cut; --output json lists all\n"));
}

TEST_CASE("what tasks used beyond their declarations is told, and listed for programs",
          "[tools][report]") {
  using enum core::file_difference;
  run_report report{.name = "w", .run = "1", .total = 1, .elapsed = 1s};
  report.counts[static_cast<std::size_t>(task_state::completed)] = 1;
  core::file_report found{.mode = core::file_report_mode::observe, .more = 2};
  found.findings = {{undeclared_read, "a\xff.h"},
                    {undeclared_write, "b"},
                    {undeclared_removal, "c"},
                    {unused_read, "*.txt"}};
  core::file_report in_part{.mode = core::file_report_mode::observe, .complete = false};
  core::file_report unused{.mode = core::file_report_mode::observe};
  unused.findings = {{unused_read, "*.txt"}};
  auto failed = found;
  failed.mode = core::file_report_mode::strict;
  report.file_reports = {{"make", found}, {"dig", in_part}, {"idle", unused}, {"fall", failed}};
  CHECK(summary(report, {.width = 200})
        == "w 1 completed after 1.0 s: 1 of 1 done\n"
           "task make read a\\xff.h, wrote b, removed c, and 2 more, beyond what it declares, and "
           "never "
           "read *.txt\n"
           "not all that task dig read is known\n"
           "task idle never read *.txt, which it declares\n");
  const auto json = nlohmann::json::parse(json_report(report))["file_reports"];
  REQUIRE(json.size() == 4);
  CHECK(json[0]
        == nlohmann::json{{"task", "make"},
                          {"mode", "observe"},
                          {"complete", true},
                          {"undeclared_reads", {"a\\xff.h"}},
                          {"undeclared_writes", {"b"}},
                          {"undeclared_removals", {"c"}},
                          {"unused_reads", {"*.txt"}},
                          {"more", 2},
                          {"withheld", {{"total", 0}, {"paths", nlohmann::json::array()}}}});
  CHECK(json[1]["complete"] == false);
  report.file_reports.assign(12, {"make", found});
  CHECK_THAT(summary(report, {.width = 200}),
             Catch::Matchers::Contains("and so did 2 more tasks; --output json lists all\n"));
}

TEST_CASE("a reason that is too long for its row goes below it, whole", "[tools][report]") {
  run_report report{.name = "w",
                    .run = "1",
                    .state = core::run_state::failed,
                    .total = 1,
                    .notes = {"run it again"},
                    .elapsed = 1s};
  report.counts[static_cast<std::size_t>(task_state::failed)] = 1;
  report.failed = {{.name = "t",
                    .state = task_state::failed,
                    .reason = {.code = errc::file_conflict,
                               .message = "both a and b published out.txt: let one of them run "
                                          "after the other"},
                    .attempts = 2}};
  CHECK(summary(report, {.width = 60})
        == "w 1 failed after 1.0 s: 0 of 1 done, 1 failed\n"
           "TASK  STATE   EXIT  REASON\n"
           "t     failed  -     \n"
           "    file_conflict: both a and b published out.txt: let one\n"
           "    of them run after the other (attempt 2)\n"
           "run it again\n");
}

TEST_CASE("the table fits the terminal", "[tools][report]") {
  auto report = failed_run();
  report.failed[0].name = std::string(100, 'n') + "日本";
  report.out.clear();
  for (std::size_t width = 20; width <= 120; ++width) {
    std::istringstream text(summary(report, {.width = width}));
    for (std::string row; std::getline(text, row);)
      CHECK(core::columns(row) <= width);
  }
}

TEST_CASE("programs get one JSON object", "[tools][report]") {
  const auto text = json_report(failed_run());
  CHECK(text.find('\n') == text.size() - 1);
  CHECK(
      text
      == R"({"run":"3x7k","name":"word-count","state":"failed",)"
         R"("tasks":{"total":10,"completed":6,"failed":2,"timeout":0,"cancelled":2,"not_ended":0},)"
         R"("failed":[{"task":"count-3","state":"failed","attempts":1,)"
         R"("error":{"class":"exit_nonzero","message":"the command ended with status 3",)"
         R"("origin":"execute","exit_code":3,"signal":null,)"
         R"("evidence":"one\n\ntwo\nthree\nfour\nfive\u001b[2J\nsix","retryable":false}},)"
         R"({"task":"crash","state":"failed","attempts":1,)"
         R"("error":{"class":"signalled","message":"killed\nby 11","origin":"","exit_code":null,)"
         R"("signal":11,"evidence":"","retryable":false}}],)"
         R"("cancelled":[{"task":"after","message":"upstream task 'crash' failed"}],)"
         R"("files":["a.txt","b\\xff.txt"],"history":[],"left_out":[],"truncated":[],"file_reports":[],"isolation":[],"out":"./word-count-3x7k","result":null,"notes":[],"late_refused":3,)"
         R"("timing":{"started":"2023-11-14T22:13:20.250Z","elapsed_s":65.0}})"
         "\n");
}

TEST_CASE("people read of a refusal what supports it, too", "[tools][report]") {
  CHECK(refusal_text({.code = core::errc::not_found, .message = "no such file"})
        == "maze-node: not_found: no such file\n");
  CHECK(
      refusal_text({.code = core::errc::invalid_payload,
                    .message = "it crashed",
                    .origin = "library",
                    .signal = 11,
                    .evidence = "1\n2\n3\n4\n5\nbad \x1b[2J\n"})
      == "maze-node: invalid_payload: it crashed (library; signal 11)\n  | 2\n  | 3\n  | 4\n  | 5\n"
         "  | bad \\x1b[2J\n");
}

TEST_CASE("standard error that is not UTF-8 does not spoil the JSON", "[tools][report]") {
  auto report = failed_run();
  report.failed[0].reason.evidence = "\xff\xfe";
  report.out.clear();
  const auto json = nlohmann::json::parse(json_report(report));
  CHECK(json["failed"][0]["error"]["evidence"] == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(json["out"].is_null());
}
