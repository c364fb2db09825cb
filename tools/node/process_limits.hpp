#pragma once

#include "maze/core/result.hpp"
#include "maze/core/units.hpp"

#include <cstdint>
#include <optional>

namespace maze::node {

/// What this process was allowed when it started.
struct process_limits {
  /// Soft and hard number of open files.
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
  /// Of addresses; empty: no limit.
  std::optional<core::byte_count> memory;
};

process_limits read_limits();

/// Refuses limits that a node which runs `tasks_max` tasks at once cannot live in
/// (`resource_exhausted`), naming the limit, what is needed, and what to do.
core::result<void> check_limits(const process_limits& seen, std::uint32_t tasks_max);

/// Makes this process fit to be such a node: checks its limits and that it can start threads enough,
/// and raises the soft limit of open files to the hard one.
/// @returns the limits as they were, for the children.
core::result<process_limits> prepare_process(std::uint32_t tasks_max);

} // namespace maze::node
