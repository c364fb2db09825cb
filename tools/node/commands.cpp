#include "node/commands.hpp"

#include "gateway/commands.hpp"
#include "maze/io/workflow_file.hpp"
#include "node/report.hpp"
#include "node/submission.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iostream>

namespace maze::node {

namespace {

int print_version(output_form form) {
  if (form == output_form::json)
    std::cout << nlohmann::json{{"maze", MAZE_VERSION}}.dump() << '\n';
  else
    std::cout << "maze " << MAZE_VERSION << '\n';
  return exit_code::done;
}

} // namespace

int carry_out(const options& what) {
  switch (what.command) {
  case command::run:
    return run_workflow(what);
  case command::validate:
    return validate_workflow(what);
  case command::functions:
    return list_functions(what);
  case command::doctor:
    return examine_machine(what);
  case command::config:
    std::cout << explain(what);
    return exit_code::done;
  case command::version:
    return print_version(what.values.output);
  case command::start:
    return start_cluster(what);
  case command::join_file:
    return write_join_file(what);
  case command::serve:
    return gateway::serve_web(what);
  case command::mcp:
    return gateway::serve_mcp(what);
  default:
    return ask_cluster(what);
  }
}

int validate_workflow(const options& what) {
  auto work = io::read_workflow(what.file);
  if (work)
    if (auto fine = check_enforceable(*work); !fine)
      work = tl::unexpected(
          std::vector{io::diagnostic{.code = std::string(core::to_string(fine.error().code)),
                                     .file = what.file.string(),
                                     .message = located(fine.error(), what.file).message}});
  if (work)
    for (const std::string& each : work->warnings)
      warn(what.values, each);
  const bool json = what.values.output == output_form::json;
  if (json) {
    if (work)
      std::cout << nlohmann::json{{"file", what.file.string()},
                                  {"valid", true},
                                  {"faults", nlohmann::json::array()},
                                  {"tasks", work->tasks.size()}}
                       .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                << '\n';
    else
      std::cout << faults_report(what.file.string(), work.error());
  } else if (work) {
    if (!what.values.quiet)
      std::cout << fmt::format("{}: workflow '{}' with {} task{} is valid\n", what.file.string(),
                               work->name, work->tasks.size(), work->tasks.size() == 1 ? "" : "s");
  } else {
    for (const io::diagnostic& fault : work.error())
      std::cerr << io::to_string(fault) << '\n';
  }
  return work ? exit_code::done : exit_code::wrong_use;
}

} // namespace maze::node
