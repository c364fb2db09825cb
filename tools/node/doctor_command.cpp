#include "maze/actors/reactor.hpp"
#include "maze/sandbox/init_process.hpp"
#include "node/commands.hpp"
#include "node/follow.hpp"
#include "node/machine_report.hpp"

#include <iostream>
#include <unistd.h>

namespace maze::node {

int examine_machine(const options& what) {
  actors::reactor events;
  const auto init = sandbox::default_init_executable();
  if (!init)
    return refuse(what.values, init.error(), exit_code::refused);
  const auto started = sandbox::launcher::start(events.context(), {.executable = *init});
  if (!started)
    return refuse(what.values, started.error(), exit_code::refused);
  std::cout << show(report_of((*started)->can(), ::geteuid() == 0),
                    {what.values.output, wants_color(what.values, STDOUT_FILENO)});
  return exit_code::done;
}

} // namespace maze::node
