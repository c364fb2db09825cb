#pragma once

#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace maze::actors {

/// What every child of a node starts with; a task's own variables win.
struct base_environment {
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string lang;
  std::string time_zone;

  /// LANG and TZ of this process (C.UTF-8 and none where they are not set); PATH stays the default.
  static base_environment of_this_process();
};

/// What tells one attempt apart.
struct attempt_labels {
  std::string run;
  std::string task;
  std::uint32_t number = 1;
};

/// `NAME=value` for one attempt: PATH, HOME (its view), LANG, TZ, MAZE_RUN, MAZE_TASK, MAZE_ATTEMPT,
/// MAZE_INPUT_<parameter> (strings as they are, everything else as JSON), then what the task declares.
/// Nothing of the node's own environment is passed on. Fails with `invalid_payload` where a value
/// cannot be an environment variable: a NUL byte, or more than 128 KiB, the kernel's bound.
core::result<std::vector<std::string>> attempt_environment(const base_environment& base,
                                                           const attempt_labels& labels,
                                                           const std::filesystem::path& home,
                                                           const core::task_spec& spec,
                                                           const core::resolved_call& call);

} // namespace maze::actors
