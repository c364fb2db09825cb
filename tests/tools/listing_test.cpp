#include "node/listing.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace maze;
using namespace maze::node;
using Catch::Contains;

namespace {

constexpr print_form table{output_form::table, false};
constexpr print_form json{output_form::json, false};

actors::task_row failed_task() {
  core::phase_times phases;
  phases.at(core::phase::execute) = {std::chrono::seconds(1), std::chrono::milliseconds(3500)};
  return {.name = "count",
          .kind = core::action_kind::library_function,
          .calls = "text.count",
          .state = core::task_state::failed,
          .attempts = 2,
          .node = core::node_id{1},
          .began = std::chrono::seconds(1),
          .elapsed = std::chrono::milliseconds(2500),
          .phases = phases,
          .isolation = {core::sandbox_level::subprocess,
                        1U << 1 | 1U << 3,
                        true,
                        {.mode = core::file_report_mode::observe,
                         .findings = {{core::file_difference::undeclared_read, "a.h"}},
                         .withheld = {.total = 3, .paths = {"b.h\xff"}}}},
          .earlier = {{.number = 1,
                       .node = core::node_id{7},
                       .began = std::chrono::milliseconds(500),
                       .elapsed = std::chrono::milliseconds(250),
                       .reason = core::errc::oom_killed}},
          .reason = core::errc::exit_nonzero,
          .message = "it broke\nbadly"};
}

} // namespace

TEST_CASE("tasks are listed with what there is to tell of each", "[tools][listing]") {
  const actors::task_row waiting{.name = "draw"};
  CHECK(show(std::vector{failed_task(), waiting}, {{core::node_id{1}, "lab"}}, table)
        == "TASK   STATE    PHASE  ATTEMPTS  NODE  TIME   WHY\n"
           "count  failed          2         lab   2.5 s  it broke\n"
           "draw   pending         0                      \n");
  const auto read =
      nlohmann::json::parse(show(std::vector{failed_task(), waiting}, {}, json))["tasks"];
  CHECK(read[0]["phases"]
        == nlohmann::json{{{"phase", "execute"}, {"began_s", 1.0}, {"ended_s", 3.5}}});
  CHECK(read[1]["phases"].empty());
  CHECK(read[0]["kind"] == "function");
  CHECK(read[0]["calls"] == "text.count");
  CHECK(read[0]["isolation"]
        == nlohmann::json{{"requested", "subprocess"},
                          {"level", "none"},
                          {"fences", {"no_privileges", "processes"}}});
  CHECK(read[1]["isolation"].is_null());
  CHECK(read[0]["file_report"]["undeclared_reads"] == nlohmann::json{"a.h"});
  CHECK(read[0]["file_report"]["withheld"]
        == nlohmann::json{{"total", 3}, {"paths", {"b.h\\xff"}}});
  CHECK(read[1]["file_report"].is_null());
  CHECK(read[0]["earlier"]
        == nlohmann::json{{{"attempt", 1},
                           {"node", "node 7"},
                           {"started_s", 0.5},
                           {"elapsed_s", 0.25},
                           {"phases", nlohmann::json::array()},
                           {"isolation", nullptr},
                           {"file_report", nullptr},
                           {"error", "oom_killed"}}});
  CHECK(read[1]["earlier"].empty());
  CHECK(read[0]["node"] == "node 1");
  CHECK(read[0]["error"]["class"] == "exit_nonzero");
  CHECK(read[0]["elapsed_s"] == 2.5);
  CHECK(read[1]["node"].is_null());
  CHECK(read[1]["error"].is_null());
}

TEST_CASE("runs are listed with how far they are", "[tools][listing]") {
  actors::run_row run{.run = core::run_id{1}, .name = "words", .state = core::run_state::running};
  run.counts[static_cast<std::size_t>(core::task_state::completed)] = 2;
  run.counts[static_cast<std::size_t>(core::task_state::queued)] = 3;
  CHECK(show(std::vector{run}, table)
        == "RUN  NAME   STATE    DONE  ACCEPTED (UTC)\n"
           "1    words  running  2/5   1970-01-01 00:00:00\n");
  CHECK(nlohmann::json::parse(show(std::vector{run}, json))["runs"][0]["tasks"]["queued"] == 3);
  CHECK(nlohmann::json::parse(show(std::vector<actors::run_row>{}, json))["runs"].empty());
}

TEST_CASE("nodes are listed with what is free, silent ones too", "[tools][listing]") {
  actors::node_page page;
  page.rows.push_back({.node = core::node_id{1},
                       .name = "lab",
                       .total = {2000, {std::uint64_t{4} << 30}, 8},
                       .answers = true,
                       .load = {.free = {500, {std::uint64_t{1} << 30}, 3},
                                .running = 3,
                                .labels = {{"room", "b"}, {"rack", "7"}},
                                .received = 4096,
                                .sent = 512},
                       .offers = {.sealed = true,
                                  .cpu_shares = true,
                                  .variables = {"TOKEN"},
                                  .permissions = core::permission_set::all()}});
  page.rows.push_back({.node = core::node_id{2}, .name = "gone"});
  const auto text = show(page, table);
  CHECK_THAT(text, Contains("0.5 of 2") && Contains("1.00 GiB of 4.00 GiB") && Contains("3 of 8")
                       && Contains("rack=7,room=b") && Contains("silent"));
  CHECK(nlohmann::json::parse(show(page, json))["nodes"][0]["cpus_free"] == 0.5);
  CHECK(nlohmann::json::parse(show(page, json))["nodes"][0]["gpus_free"] == 3);
  CHECK(nlohmann::json::parse(show(page, json))["nodes"][0]["received"] == 4096);
  CHECK(nlohmann::json::parse(show(page, json))["nodes"][0]["sent"] == 512);
  CHECK_THAT(text,
             Contains("seccomp, cpu_share, TOKEN ") && Contains("subprocess, not read_files"));
  CHECK(nlohmann::json::parse(show(page, json))["nodes"][0]["sandbox"]
        == nlohmann::json{
            {"levels", {"none", "subprocess", "seccomp"}},
            {"cpu_share", true},
            {"environment", {"TOKEN"}},
            {"permissions", {"read_files", "write_files", "network_access", "system_commands"}}});
}

TEST_CASE("files are listed, or every version of them", "[tools][listing]") {
  actors::run_report report;
  report.published["a\xff.txt"] = {.hash = {1, 2}, .size = 2048};
  report.history = {{"a.txt", "count", {.hash = {1, 2}, .size = 1}}};
  CHECK_THAT(show_files(report, table), Contains("0644  file  2.00 KiB"));
  CHECK(nlohmann::json::parse(show_files(report, json))["files"][0]["size"] == 2048);
  CHECK(show_history(report, table) == "TASK   SIZE  PATH\ncount  1 B   a.txt\n");
  CHECK(nlohmann::json::parse(show_history(report, json))["history"][0]["task"] == "count");
}

TEST_CASE("the status of a cluster fits three lines", "[tools][listing]") {
  actors::cluster_status status{.name = "lab",
                                .version = "1.0",
                                .runs_live = 1,
                                .runs = 3,
                                .nodes = 1,
                                .total = {4000, {1U << 30}, 0}};
  status.counts[static_cast<std::size_t>(core::task_state::running)] = 2;
  const actors::session_opened owner{.whose = "client me",
                                     .permitted = core::permission_set::all()};
  CHECK(show(status, owner, table)
        == "cluster 'lab', maze 1.0, since 1970-01-01 00:00:00 UTC\n1 node, 4 cores, 1.00 GiB\n"
           "1 of 3 runs live: tasks 0 of 2 done, 2 running\n");
  CHECK(nlohmann::json::parse(show(status, owner, json))["runs"]["live"] == 1);
  status.total.gpus = 2;
  CHECK_THAT(show(status, owner, table), Contains("4 cores, 1.00 GiB, 2 GPUs\n"));
  CHECK(nlohmann::json::parse(show(status, owner, json))["gpus"] == 2);
  actors::session_opened anna{.whose = "client anna"};
  anna.permitted.add(core::permission::read_files);
  anna.permitted.add(core::permission::network_access);
  CHECK_THAT(show(status, anna, table),
             Catch::EndsWith("you are client anna: what your tasks may do: read_files, "
                             "network_access\n"));
  const auto you = nlohmann::json::parse(show(status, anna, json))["you"];
  CHECK(you["identity"] == "client anna");
  CHECK(you["permissions"] == nlohmann::json{"read_files", "network_access"});
}
