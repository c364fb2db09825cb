#include "node/listing.hpp"

#include "maze/core/printable.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/json.hpp"
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

template <class Row, class... Rest>
ordered_json views(const std::vector<Row>& rows, const Rest&... rest) {
  auto out = ordered_json::array();
  for (const Row& one : rows)
    out.push_back(view_of(one, rest...));
  return out;
}

cell state_cell(std::string_view state) { return {std::string(state), look_of(state)}; }

std::string cores(std::uint32_t millis) { return fmt::format("{:g}", millis / 1000.0); }

std::string gpus_text(std::uint32_t count) {
  return fmt::format("{} GPU{}", count, count == 1 ? "" : "s");
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

std::string show(const actors::cluster_status& status, const actors::session_opened& you,
                 const print_form& as) {
  if (as.form == output_form::json)
    return dump(view_of(status, you));
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
  if (as.form == output_form::json)
    return dump({{"runs", views(runs)}});
  rows table;
  for (const actors::run_row& one : runs) {
    std::uint64_t total = 0;
    for (const std::uint64_t count : one.counts)
      total += count;
    const auto done = one.counts[static_cast<std::size_t>(core::task_state::completed)];
    table.push_back({{core::to_string(one.run)},
                     {one.name},
                     state_cell(core::to_string(one.state)),
                     {fmt::format("{}/{}", done, total)},
                     {time_of_day(one.accepted)}});
  }
  return render_table({"RUN", "NAME", "STATE", "DONE", "ACCEPTED (UTC)"}, table, as.color);
}

std::string show(const std::vector<actors::task_row>& tasks, const node_names& nodes,
                 const print_form& as) {
  if (as.form == output_form::json)
    return dump({{"tasks", views(tasks, nodes)}});
  rows table;
  for (const actors::task_row& one : tasks) {
    const bool running = one.state == core::task_state::running;
    const bool began = one.began >= core::duration::zero();
    table.push_back({{one.name},
                     state_cell(core::to_string(one.state)),
                     {running ? std::string(core::to_string(one.at)) : std::string()},
                     {std::to_string(one.attempts)},
                     {name_of(one.node, nodes)},
                     {began ? time_text(one.elapsed) : std::string()},
                     {one.message.substr(0, one.message.find('\n'))}});
  }
  return render_table({"TASK", "STATE", "PHASE", "ATTEMPTS", "NODE", "TIME", "WHY"}, table,
                      as.color);
}

std::string show(const actors::node_page& nodes, const print_form& as) {
  if (as.form == output_form::json)
    return dump({{"nodes", views(nodes.rows)}});
  rows table;
  for (const actors::node_row& one : nodes.rows) {
    std::string labels;
    for (const auto& [name, text] : one.load.labels)
      labels += fmt::format("{}{}={}", labels.empty() ? "" : ",", name, text);
    table.push_back(
        {{std::to_string(one.node.value)},
         {one.name},
         state_cell(state_of(one)),
         {fmt::format("{} of {}", cores(one.load.free.cpu_millis), cores(one.total.cpu_millis))},
         {fmt::format("{} of {}", size_text(one.load.free.memory.value),
                      size_text(one.total.memory.value))},
         {fmt::format("{} of {}", one.load.free.gpus, one.total.gpus)},
         {std::to_string(one.load.running)},
         {short_text(one.offers)},
         {labels}});
  }
  return render_table({"NODE", "NAME", "STATE", "CORES FREE", "MEMORY FREE", "GPUS FREE", "RUNNING",
                       "SANDBOX", "LABELS"},
                      table, as.color);
}

std::string show_files(const actors::run_report& report, const print_form& as) {
  if (as.form == output_form::json)
    return dump({{"files", view_of_files(report)}});
  rows table;
  for (const auto& [path, entry] : report.published)
    table.push_back({{fmt::format("{:04o}", entry.mode)},
                     {std::string(kind_text(entry.kind))},
                     {size_text(entry.size)},
                     {io::file_name_to_text(path)}});
  return render_table({"MODE", "KIND", "SIZE", "PATH"}, table, as.color);
}

std::string show_history(const actors::run_report& report, const print_form& as) {
  if (as.form == output_form::json)
    return dump({{"history", view_of_history(report)}});
  rows table;
  for (const actors::file_version& one : report.history)
    table.push_back({{one.task}, {size_text(one.entry.size)}, {io::file_name_to_text(one.path)}});
  return render_table({"TASK", "SIZE", "PATH"}, table, as.color);
}

} // namespace maze::node
