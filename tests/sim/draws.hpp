#pragma once

#include "maze/core/file_rules.hpp"
#include "maze/core/graph.hpp"
#include "maze/core/manifest.hpp"
#include "sim/dice.hpp"

namespace maze::sim {

/// A small graph: some tasks, edges, references, priorities, retries; now and then nothing at all.
core::graph draw_graph(dice& fate);
/// Mostly `fail`.
core::conflict_policy draw_policy(dice& fate);
/// What an attempt of `task` wrote and removed; `writing_percent` of them change anything at all.
core::manifest_delta draw_files(dice& fate, std::uint32_t writing_percent, core::task_id task);

} // namespace maze::sim
