#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/resources.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace maze::core {

/// Stands for the task of a lane, which is an attempt at no task: it does the calls of its run.
inline constexpr task_id lane_task{~std::uint64_t{0}};

/// One attempt on its way to a node: what differs from attempt to attempt; the rest is in the run's
/// document.
struct attempt_order {
  run_id run;
  task_id task;
  attempt_id attempt;
  /// 1 for the first attempt of the task.
  std::uint32_t number = 1;
  resources needs;
  /// What the task's ancestors published.
  manifest_delta files;
  /// Encoded output dictionaries of the tasks that its references name.
  std::map<std::string, std::string> outputs;

  friend bool operator==(const attempt_order&, const attempt_order&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, attempt_order& x) {
    return f(x.run, x.task, x.attempt, x.number, x.needs, x.files, x.outputs);
  }
};

} // namespace maze::core
