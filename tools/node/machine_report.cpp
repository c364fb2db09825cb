#include "node/machine_report.hpp"

#include "maze/core/printable.hpp"
#include "node/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace maze::node {

namespace {

using nlohmann::ordered_json;

constexpr const char* user_namespaces_remedy =
    "run the node as root, or let users make namespaces: `sysctl "
    "kernel.unprivileged_userns_clone=1`, "
    "on Ubuntu `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in a container, give it "
    "CAP_SYS_ADMIN";

constexpr const char* groups_remedy =
    "run the node as root, or let its user make control groups: `systemd-run --user --scope -p "
    "Delegate=yes maze-node …`; in a container, mount /sys/fs/cgroup writable and start the node "
    "as its first process";

constexpr const char* engine_remedy =
    "as root `apt-get install --no-install-recommends podman runc`, and run the node as root";

mechanism_row row(std::string name, bool here, std::string detail, std::string meaning,
                  std::string remedy) {
  return {std::move(name), here, std::move(detail), std::move(meaning),
          here ? "" : std::move(remedy)};
}

/// Level seccomp: by namespaces, or by what stands in for them.
mechanism_row sealed_row(const sandbox::capabilities& can) {
  if (can.sealed && can.walled)
    return {
        "seccomp", true, "partly",
        "Landlock and a system-call filter, no network; no root, /tmp and namespaces of its own",
        std::string("there are no namespaces: a task sees names of files and processes, may not "
                    "change modes and times of "
                    "files, and has no local sockets; ")
            + user_namespaces_remedy};
  return row("seccomp", can.sealed, "",
             "a root, namespaces and a system-call filter of its own, no network",
             core::printable(can.sealed_failure.message) + "; " + user_namespaces_remedy);
}

std::vector<mechanism_row> levels_of(const sandbox::capabilities& can,
                                     const core::result<sandbox::container_engine>& engine) {
  return {
      row("none", true, "", "a child process without limits or filters", ""),
      row("subprocess", true, "", "limits, no new privileges, a tree that dies as one", ""),
      sealed_row(can),
      row("container", engine.has_value(),
          engine ? fmt::format("{} at {}", to_string(engine->kind),
                               core::printable(engine->program.native()))
                 : "",
          "the files of an image for its root, besides",
          engine ? "" : core::printable(engine.error().message) + "; " + engine_remedy),
  };
}

std::vector<mechanism_row> mechanisms_of(const sandbox::capabilities& can, bool root) {
  std::vector<mechanism_row> out{
      row("user namespaces", can.user_namespaces, "",
          "a node that is not root can give its tasks all of this", user_namespaces_remedy),
      row("pid namespaces", can.pid_namespaces, "",
          "tasks see no other process, and their trees die as one", user_namespaces_remedy),
      row("own users", can.other_users, root ? "" : "needs root",
          "tasks of a root node cannot touch what is another user's", "run the node as root"),
      row("overlays", root ? can.idmapped_overlay : can.overlay, "",
          "an attempt's folder costs no copy of its files",
          root ? "Linux 5.19 or newer mounts them for other users, of a tmpfs 6.3 or newer: give "
                 "the "
                 "node a `--dir` on a disk"
               : "Linux 5.11 or newer lets users mount them"),
      row("Landlock", can.landlock > 0,
          can.landlock > 0 ? fmt::format("version {}", can.landlock) : "",
          "a second wall around files at level seccomp",
          "Linux 5.13 or newer, with `landlock` among the boot parameter `lsm=`"),
  };
  const auto group = [&out](std::string name, bool here, std::string meaning, std::string without) {
    out.push_back(row("group: " + std::move(name), here, "", std::move(meaning),
                      std::move(without) + "; " + groups_remedy));
  };
  group("memory", can.memory_groups, "a limit of memory holds for a task's whole tree",
        "memory of a task is looked at every 50 ms instead");
  group("processes", can.process_groups, "a limit of processes holds for a task's whole tree",
        "processes of a task's user are counted instead");
  group("cpu time", can.cpu_time_groups, "a limit of CPU time holds for a task's whole tree",
        "CPU time of each process is limited instead");
  group("cpu share", can.cpu_share_groups, "tasks can be held to a share of the cores",
        "tasks that ask for it are refused");
  return out;
}

ordered_json json_of(const std::vector<mechanism_row>& rows) {
  auto out = ordered_json::array();
  for (const mechanism_row& each : rows) {
    ordered_json one{{"name", each.name}, {"here", each.here}};
    if (!each.detail.empty())
      one["detail"] = each.detail;
    if (!each.remedy.empty())
      one["remedy"] = each.remedy;
    out.push_back(std::move(one));
  }
  return out;
}

void add_rows(std::vector<std::vector<cell>>& to, std::string_view prefix,
              const std::vector<mechanism_row>& rows) {
  for (const mechanism_row& each : rows)
    to.push_back({{fmt::format("{}{}", prefix, each.name), style::strong},
                  {fmt::format("{}{}{}", each.here ? "yes" : "no", each.detail.empty() ? "" : ", ",
                               each.detail),
                   each.here ? style::good : style::bad},
                  {each.meaning, style::dim}});
}

} // namespace

machine_report report_of(const sandbox::capabilities& can, bool root,
                         const core::result<sandbox::container_engine>& engine) {
  return {levels_of(can, engine), mechanisms_of(can, root)};
}

void take_own_users(machine_report& report) {
  for (mechanism_row& each : report.levels)
    if (each.name == "seccomp" || each.name == "container")
      each = row(each.name, false, "", std::move(each.meaning),
                 "a node that is root gives it only to users of their own: --task-user slot");
}

std::string show(const machine_report& report, const print_form& as) {
  if (as.form == output_form::json)
    return ordered_json{{"levels", json_of(report.levels)},
                        {"mechanisms", json_of(report.mechanisms)}}
               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
           + "\n";
  std::vector<std::vector<cell>> rows;
  add_rows(rows, "level ", report.levels);
  add_rows(rows, "", report.mechanisms);
  std::string out = render_table({"WHAT", "HERE", "WHAT IT GIVES"}, rows, as.color);
  for (const auto* part : {&report.levels, &report.mechanisms})
    for (const mechanism_row& each : *part)
      if (!each.remedy.empty())
        out += fmt::format("\n{}: {}\n", paint(each.name, style::strong, as.color), each.remedy);
  return out;
}

} // namespace maze::node
