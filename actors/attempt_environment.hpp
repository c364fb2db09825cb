#pragma once

#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"
#include "maze/io/gpu_devices.hpp"
#include "maze/sandbox/launcher.hpp"

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
  /// Of the node.
  io::gpu_devices gpus;
  /// What the node's owner lets tasks have of the node's own environment, if they ask for it.
  std::map<std::string, std::string> passed;

  /// LANG and TZ of this process (C.UTF-8 and none where they are not set); PATH stays the default. Of the variables
  /// `passed` those that are set here.
  static base_environment of_this_process(const std::vector<std::string>& passed = {});
};

/// What tells one attempt apart.
struct attempt_labels {
  std::string run;
  std::string task;
  std::uint32_t number = 1;
  /// Which of the node's GPUs were granted to it: their places in `base_environment::gpus`.
  std::vector<std::uint32_t> gpus{};
};

/// The sandbox of a child on this node: what its task asks for, the node's minimum, and less where the task lets it.
core::sandbox_spec sandbox_here(const core::sandbox_spec& asked, core::sandbox_level minimum,
                                const core::sandbox_offer& offers);
/// Fails with `permission_denied` naming what the task needs and the node does not permit.
core::result<void> check_permitted(core::permission_set needed, core::permission_set permitted);

/// Shows a sealed child the device files of the GPUs that were granted to it, and no others. One whose file nobody knows
/// is not reached. Other children see what their user may open.
void show_gpus(const io::gpu_devices& node, const std::vector<std::uint32_t>& granted,
               core::sandbox_spec& to);

/// `NAME=value` for one attempt: PATH, HOME (its view), LANG, TZ, MAZE_RUN, MAZE_TASK, MAZE_ATTEMPT,
/// MAZE_INPUT_<parameter> (strings as they are, everything else as JSON), then what the task declares.
/// CUDA_VISIBLE_DEVICES tells of the GPUs that were granted, and CUDA_DEVICE_ORDER how to count them,
/// whatever a task with GPUs declares; others find the first one empty on a node that tells. Nothing of
/// the node's own environment is passed on but what `sandbox.variables` names and the node's owner allows: `permission_denied`
/// for others. Fails with `invalid_payload` where a value
/// cannot be an environment variable: a NUL byte, or more than 128 KiB, the kernel's bound.
core::result<std::vector<std::string>> attempt_environment(const base_environment& base,
                                                           const attempt_labels& labels,
                                                           const std::filesystem::path& home,
                                                           const core::task_spec& spec,
                                                           const core::resolved_call& call);

} // namespace maze::actors
