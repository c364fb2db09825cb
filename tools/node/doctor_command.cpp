#include "maze/actors/reactor.hpp"
#include "maze/sandbox/init_process.hpp"
#include "maze/sandbox/trial.hpp"
#include "node/commands.hpp"
#include "node/follow.hpp"
#include "node/machine_report.hpp"

#include <filesystem>
#include <iostream>
#include <system_error>
#include <unistd.h>

namespace maze::node {

namespace {

constexpr sandbox::child_user nobody{65534, 65534};

/// Where a node would keep its state, or what is there of the way to it.
std::filesystem::path place_of(std::filesystem::path state) {
  state = std::filesystem::absolute(state);
  std::error_code unreadable;
  while (state.has_relative_path() && !std::filesystem::is_directory(state, unreadable))
    state = state.parent_path();
  return state;
}

} // namespace

int examine_machine(const options& what) {
  actors::reactor events;
  const auto init = sandbox::default_init_executable();
  if (!init)
    return refuse(what.values, init.error(), exit_code::refused);
  const auto started = sandbox::launcher::start(
      events.context(), {.executable = *init, .scratch = place_of(what.values.dir)});
  if (!started)
    return refuse(what.values, started.error(), exit_code::refused);
  const bool root = ::geteuid() == 0;
  auto can = (*started)->can();
  // Better tried than believed.
  if (can.sealed) {
    const auto user = can.other_users ? std::optional(nobody) : std::nullopt;
    if (auto works = sandbox::try_level(**started, core::sandbox_level::seccomp, user); !works) {
      can.sealed = false;
      can.sealed_failure = works.error();
    }
  }
  auto report =
      report_of(can, root, sandbox::find_engine(sandbox::engine_search::of_this_machine()));
  if (root && what.values.task_user == task_user::same)
    take_own_users(report);
  std::cout << show(report, {what.values.output, wants_color(what.values, STDOUT_FILENO)});
  return exit_code::done;
}

} // namespace maze::node
