#include "node/listing.hpp"

#include "maze/core/printable.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/json.hpp"
#include "node/card_listing.hpp"
#include "node/file_listing.hpp"
#include "node/progress.hpp"
#include "node/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace maze::node {

namespace {

using nlohmann::ordered_json;
using rows = std::vector<std::vector<cell>>;

std::string dump(const ordered_json& x) {
  return x.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

double seconds(core::duration x) { return std::chrono::duration<double>(x).count(); }

ordered_json counts_of(const std::array<std::uint64_t, 9>& counts) {
  auto out = ordered_json::object();
  for (const core::task_state state : core::all_task_states())
    out[std::string(core::to_string(state))] = counts[static_cast<std::size_t>(state)];
  return out;
}

cell state_cell(std::string_view state) { return {std::string(state), look_of(state)}; }

std::string cores(std::uint32_t millis) { return fmt::format("{:g}", millis / 1000.0); }

std::string gpus_text(std::uint32_t count) {
  return fmt::format("{} GPU{}", count, count == 1 ? "" : "s");
}

std::string_view kind_text(core::file_kind kind) {
  return kind == core::file_kind::file        ? "file"
         : kind == core::file_kind::directory ? "folder"
                                              : "link";
}

std::string state_of(const actors::node_row& node) {
  return !node.answers ? "silent" : node.load.draining ? "draining" : "ready";
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

/// The name of a node that is still known, else its number; empty: nowhere.
std::string name_of(core::node_id node, const std::map<core::node_id, std::string>& nodes) {
  if (node == core::node_id{})
    return {};
  const auto known = nodes.find(node);
  return known == nodes.end() ? fmt::format("node {}", node.value) : known->second;
}

ordered_json json_of(const actors::past_attempt& one,
                     const std::map<core::node_id, std::string>& nodes) {
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

/// What of sandboxes a node offers beyond what every node gives, in few words.
std::string short_text(const core::sandbox_offer& offers) {
  std::string out(offers.container && offers.sealed ? "container, seccomp"
                  : offers.container                ? "container"
                  : offers.sealed                   ? "seccomp"
                                                    : "subprocess");
  if (offers.cpu_shares)
    out += ", cpu_share";
  for (const std::string& variable : offers.variables)
    out += ", " + variable;
  const auto denied = core::permission_set::all().without(offers.permissions);
  if (!denied.empty())
    out += fmt::format(", not {}", core::to_string(denied));
  return out;
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

/// Nothing for who may do all.
std::string limits_text(const actors::session_opened& you) {
  if (you.permitted == core::permission_set::all())
    return {};
  return fmt::format("you are {}: what your tasks may do: {}\n", core::printable(you.whose),
                     core::to_string(you.permitted));
}

} // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < units.size(); ++unit)
    amount /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.2f} {}", amount, units[unit]);
}

std::vector<std::string> permission_names(core::permission_set permitted) {
  std::vector<std::string> out;
  for (const core::permission each : core::all_permissions())
    if (permitted.has(each))
      out.emplace_back(core::to_string(each));
  return out;
}

std::string show(const actors::cluster_status& status, const actors::session_opened& you,
                 const print_form& as) {
  if (as.form == output_form::json)
    return dump(
        {{"name", status.name},
         {"version", status.version},
         {"started", time_of_day(status.started)},
         {"runs", {{"live", status.runs_live}, {"total", status.runs}}},
         {"tasks", counts_of(status.counts)},
         {"nodes", status.nodes},
         {"cpus", status.total.cpu_millis / 1000.0},
         {"memory", status.total.memory.value},
         {"gpus", status.total.gpus},
         {"you", {{"identity", you.whose}, {"permissions", permission_names(you.permitted)}}}});
  state_counts counts{};
  std::size_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    total += counts[i] = static_cast<std::size_t>(status.counts[i]);
  return fmt::format(
             "cluster '{}', maze {}, since {} UTC\n{} node{}, {} core{}, {}{}{}\n{} of {} run{} "
             "live{}\n",
             status.name, status.version, time_of_day(status.started), status.nodes,
             status.nodes == 1 ? "" : "s", cores(status.total.cpu_millis),
             status.total.cpu_millis == 1000 ? "" : "s", size_text(status.total.memory.value),
             status.total.gpus == 0 ? "" : ", " + gpus_text(status.total.gpus),
             status.nodes == 0 ? ": nothing runs before one joins (maze-node start --role worker)"
                               : "",
             status.runs_live, status.runs, status.runs == 1 ? "" : "s",
             total == 0 ? "" : ": tasks " + counts_text(counts, total))
         + limits_text(you);
}

std::string show(const std::vector<actors::run_row>& runs, const print_form& as) {
  auto list = ordered_json::array();
  rows table;
  for (const actors::run_row& one : runs) {
    std::uint64_t total = 0;
    for (const std::uint64_t count : one.counts)
      total += count;
    const auto done = one.counts[static_cast<std::size_t>(core::task_state::completed)];
    list.push_back({{"run", core::to_string(one.run)},
                    {"name", one.name},
                    {"state", core::to_string(one.state)},
                    {"accepted", time_of_day(one.accepted)},
                    {"tasks", counts_of(one.counts)}});
    table.push_back({{core::to_string(one.run)},
                     {one.name},
                     state_cell(core::to_string(one.state)),
                     {fmt::format("{}/{}", done, total)},
                     {time_of_day(one.accepted)}});
  }
  if (as.form == output_form::json)
    return dump({{"runs", list}});
  return render_table({"RUN", "NAME", "STATE", "DONE", "ACCEPTED (UTC)"}, table, as.color);
}

std::string show(const std::vector<actors::task_row>& tasks,
                 const std::map<core::node_id, std::string>& nodes, const print_form& as) {
  auto list = ordered_json::array();
  rows table;
  for (const actors::task_row& one : tasks) {
    const std::string node = name_of(one.node, nodes);
    auto earlier = ordered_json::array();
    for (const actors::past_attempt& attempt : one.earlier)
      earlier.push_back(json_of(attempt, nodes));
    const bool running = one.state == core::task_state::running;
    const bool began = one.began >= core::duration::zero();
    ordered_json entry{{"task", one.name},
                       {"kind", core::to_string(one.kind)},
                       {"calls", one.calls},
                       {"state", core::to_string(one.state)},
                       {"attempts", one.attempts},
                       {"node", nullptr},
                       {"phase", nullptr},
                       {"started_s", nullptr},
                       {"elapsed_s", seconds(one.elapsed)},
                       {"phases", json_of(one.phases)},
                       {"isolation", isolation_json(one.isolation)},
                       {"file_report", file_report_json(one.isolation.files)},
                       {"earlier", std::move(earlier)},
                       {"error", nullptr}};
    if (!node.empty())
      entry["node"] = node;
    if (running)
      entry["phase"] = core::to_string(one.at);
    if (began)
      entry["started_s"] = seconds(one.began);
    if (one.reason != core::errc::none)
      entry["error"] = {{"class", core::to_string(one.reason)}, {"message", one.message}};
    list.push_back(std::move(entry));
    table.push_back({{one.name},
                     state_cell(core::to_string(one.state)),
                     {running ? std::string(core::to_string(one.at)) : std::string()},
                     {std::to_string(one.attempts)},
                     {node},
                     {began ? time_text(one.elapsed) : std::string()},
                     {one.message.substr(0, one.message.find('\n'))}});
  }
  if (as.form == output_form::json)
    return dump({{"tasks", list}});
  return render_table({"TASK", "STATE", "PHASE", "ATTEMPTS", "NODE", "TIME", "WHY"}, table,
                      as.color);
}

std::string show(const actors::node_page& nodes, const print_form& as) {
  auto list = ordered_json::array();
  rows table;
  for (const actors::node_row& one : nodes.rows) {
    const std::string state = state_of(one);
    list.push_back({{"node", one.node.value},
                    {"name", one.name},
                    {"state", state},
                    {"cpus", one.total.cpu_millis / 1000.0},
                    {"memory", one.total.memory.value},
                    {"gpus", one.total.gpus},
                    {"cpus_free", one.load.free.cpu_millis / 1000.0},
                    {"memory_free", one.load.free.memory.value},
                    {"gpus_free", one.load.free.gpus},
                    {"running", one.load.running},
                    {"waiting", one.load.waiting},
                    {"received", one.load.received},
                    {"sent", one.load.sent},
                    {"sandbox", json_of(one.offers)},
                    {"labels", one.load.labels}});
    std::string labels;
    for (const auto& [name, text] : one.load.labels)
      labels += fmt::format("{}{}={}", labels.empty() ? "" : ",", name, text);
    table.push_back(
        {{std::to_string(one.node.value)},
         {one.name},
         state_cell(state),
         {fmt::format("{} of {}", cores(one.load.free.cpu_millis), cores(one.total.cpu_millis))},
         {fmt::format("{} of {}", size_text(one.load.free.memory.value),
                      size_text(one.total.memory.value))},
         {fmt::format("{} of {}", one.load.free.gpus, one.total.gpus)},
         {std::to_string(one.load.running)},
         {short_text(one.offers)},
         {labels}});
  }
  if (as.form == output_form::json)
    return dump({{"nodes", list}});
  return render_table({"NODE", "NAME", "STATE", "CORES FREE", "MEMORY FREE", "GPUS FREE", "RUNNING",
                       "SANDBOX", "LABELS"},
                      table, as.color);
}

std::string show_files(const actors::run_report& report, const print_form& as) {
  auto list = ordered_json::array();
  rows table;
  for (const auto& [path, entry] : report.published) {
    list.push_back({{"path", io::file_name_to_text(path)},
                    {"kind", kind_text(entry.kind)},
                    {"size", entry.size},
                    {"hash", hash_of(entry)}});
    table.push_back({{fmt::format("{:04o}", entry.mode)},
                     {std::string(kind_text(entry.kind))},
                     {size_text(entry.size)},
                     {io::file_name_to_text(path)}});
  }
  if (as.form == output_form::json)
    return dump({{"files", list}});
  return render_table({"MODE", "KIND", "SIZE", "PATH"}, table, as.color);
}

std::string show_history(const actors::run_report& report, const print_form& as) {
  auto list = ordered_json::array();
  rows table;
  for (const actors::file_version& one : report.history) {
    list.push_back({{"path", io::file_name_to_text(one.path)},
                    {"task", one.task},
                    {"hash", hash_of(one.entry)},
                    {"size", one.entry.size}});
    table.push_back({{one.task}, {size_text(one.entry.size)}, {io::file_name_to_text(one.path)}});
  }
  if (as.form == output_form::json)
    return dump({{"history", list}});
  return render_table({"TASK", "SIZE", "PATH"}, table, as.color);
}

} // namespace maze::node
