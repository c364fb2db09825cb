#include "node/views.hpp"

#include "maze/core/run_name.hpp"
#include "maze/io/json.hpp"
#include "node/card_listing.hpp"
#include "node/file_listing.hpp"
#include "node/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace maze::node {

using nlohmann::ordered_json;

namespace {

double seconds(core::duration x) { return std::chrono::duration<double>(x).count(); }

ordered_json counts_of(const std::array<std::uint64_t, 9>& counts) {
  auto out = ordered_json::object();
  for (const core::task_state state : core::all_task_states())
    out[std::string(core::to_string(state))] = counts[static_cast<std::size_t>(state)];
  return out;
}

/// Of those that it came through, in their order.
ordered_json json_of(const core::phase_times& phases) {
  auto out = ordered_json::array();
  for (const auto phase :
       {core::phase::pull, core::phase::resolve, core::phase::execute, core::phase::push}) {
    const core::phase_times::span& one = phases.at(phase);
    if (one.ended > core::duration::zero())
      out.push_back({{"phase", core::to_string(phase)},
                     {"began_s", seconds(one.began)},
                     {"ended_s", seconds(one.ended)}});
  }
  return out;
}

ordered_json json_of(const actors::past_attempt& one, const node_names& nodes) {
  ordered_json out{{"attempt", one.number},
                   {"node", name_of(one.node, nodes)},
                   {"started_s", nullptr},
                   {"elapsed_s", seconds(one.elapsed)},
                   {"phases", json_of(one.phases)},
                   {"isolation", isolation_json(one.isolation)},
                   {"file_report", file_report_json(one.isolation.files)},
                   {"error", core::to_string(one.reason)}};
  if (one.began >= core::duration::zero())
    out["started_s"] = seconds(one.began);
  return out;
}

ordered_json hash_of(const core::file_entry& entry) {
  return entry.kind == core::file_kind::file ? ordered_json(core::to_string(entry.hash))
                                             : ordered_json();
}

ordered_json json_of(const core::sandbox_offer& offers) {
  auto levels = ordered_json::array({"none", "subprocess"});
  if (offers.sealed)
    levels.push_back("seccomp");
  if (offers.container)
    levels.push_back("container");
  return {{"levels", std::move(levels)},
          {"cpu_share", offers.cpu_shares},
          {"environment", offers.variables},
          {"permissions", permission_names(offers.permissions)}};
}

} // namespace

std::vector<std::string> permission_names(core::permission_set permitted) {
  std::vector<std::string> out;
  for (const core::permission each : core::all_permissions())
    if (permitted.has(each))
      out.emplace_back(core::to_string(each));
  return out;
}

std::string state_of(const actors::node_row& node) {
  return !node.answers ? "silent" : node.load.draining ? "draining" : "ready";
}

std::string_view kind_text(core::file_kind kind) {
  return kind == core::file_kind::file        ? "file"
         : kind == core::file_kind::directory ? "folder"
                                              : "link";
}

std::string name_of(core::node_id node, const node_names& nodes) {
  if (node == core::node_id{})
    return {};
  const auto known = nodes.find(node);
  return known == nodes.end() ? fmt::format("node {}", node.value) : known->second;
}

node_names names_of(const actors::node_page& nodes) {
  node_names out;
  for (const actors::node_row& one : nodes.rows)
    out.emplace(one.node, one.name);
  return out;
}

ordered_json view_of(const actors::cluster_status& status, const actors::session_opened& you) {
  return {{"name", status.name},
          {"version", status.version},
          {"started", time_of_day(status.started)},
          {"runs", {{"live", status.runs_live}, {"total", status.runs}}},
          {"tasks", counts_of(status.counts)},
          {"nodes", status.nodes},
          {"cpus", status.total.cpu_millis / 1000.0},
          {"memory", status.total.memory.value},
          {"gpus", status.total.gpus},
          {"you", {{"identity", you.whose}, {"permissions", permission_names(you.permitted)}}}};
}

ordered_json view_of(const actors::run_row& run) {
  return {{"run", core::to_string(run.run)},
          {"name", run.name},
          {"state", core::to_string(run.state)},
          {"accepted", time_of_day(run.accepted)},
          {"tasks", counts_of(run.counts)}};
}

ordered_json view_of(const actors::task_row& task, const node_names& nodes) {
  auto earlier = ordered_json::array();
  for (const actors::past_attempt& attempt : task.earlier)
    earlier.push_back(json_of(attempt, nodes));
  ordered_json out{{"task", task.name},
                   {"kind", core::to_string(task.kind)},
                   {"calls", task.calls},
                   {"state", core::to_string(task.state)},
                   {"attempts", task.attempts},
                   {"node", nullptr},
                   {"phase", nullptr},
                   {"started_s", nullptr},
                   {"elapsed_s", seconds(task.elapsed)},
                   {"phases", json_of(task.phases)},
                   {"isolation", isolation_json(task.isolation)},
                   {"file_report", file_report_json(task.isolation.files)},
                   {"earlier", std::move(earlier)},
                   {"error", nullptr}};
  if (auto node = name_of(task.node, nodes); !node.empty())
    out["node"] = std::move(node);
  if (task.state == core::task_state::running)
    out["phase"] = core::to_string(task.at);
  if (task.began >= core::duration::zero())
    out["started_s"] = seconds(task.began);
  if (task.reason != core::errc::none)
    out["error"] = {{"class", core::to_string(task.reason)}, {"message", task.message}};
  return out;
}

ordered_json view_of(const actors::node_row& node) {
  return {{"node", node.node.value},
          {"name", node.name},
          {"state", state_of(node)},
          {"cpus", node.total.cpu_millis / 1000.0},
          {"memory", node.total.memory.value},
          {"gpus", node.total.gpus},
          {"cpus_free", node.load.free.cpu_millis / 1000.0},
          {"memory_free", node.load.free.memory.value},
          {"gpus_free", node.load.free.gpus},
          {"running", node.load.running},
          {"waiting", node.load.waiting},
          {"received", node.load.received},
          {"sent", node.load.sent},
          {"sandbox", json_of(node.offers)},
          {"labels", node.load.labels}};
}

ordered_json view_of_files(const actors::run_report& report) {
  auto out = ordered_json::array();
  for (const auto& [path, entry] : report.published)
    out.push_back({{"path", io::file_name_to_text(path)},
                   {"kind", kind_text(entry.kind)},
                   {"size", entry.size},
                   {"hash", hash_of(entry)}});
  return out;
}

ordered_json view_of_history(const actors::run_report& report) {
  auto out = ordered_json::array();
  for (const actors::file_version& one : report.history)
    out.push_back({{"path", io::file_name_to_text(one.path)},
                   {"task", one.task},
                   {"hash", hash_of(one.entry)},
                   {"size", one.entry.size}});
  return out;
}

} // namespace maze::node
