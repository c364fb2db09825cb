#pragma once

#include "maze/core/error.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace maze::core {

/// Where a task is in its life.
enum class task_state : std::uint8_t {
  pending = 1,
  queued = 2,
  assigned = 3,
  running = 4,
  completed = 5,
  failed = 6,
  cancelled = 7,
  timeout = 8,
};

/// What a running attempt is doing.
enum class phase : std::uint8_t { pull = 1, resolve = 2, execute = 3, push = 4 };

enum class run_state : std::uint8_t {
  accepted = 1,
  running = 2,
  cancelling = 3,
  completed = 4,
  failed = 5,
  cancelled = 6,
};

/// Whether the number names a state or phase.
bool is_known(task_state x) noexcept;
bool is_known(run_state x) noexcept;
bool is_known(phase x) noexcept;

bool is_terminal(task_state x) noexcept;
bool is_terminal(run_state x) noexcept;
/// Whether the one table of transitions allows `from` -> `to`. A state never leads to itself, nothing
/// follows a terminal state, and a run is cancelled only by way of `cancelling`.
bool may_become(task_state from, task_state to) noexcept;
bool may_become(run_state from, run_state to) noexcept;

std::span<const task_state> all_task_states() noexcept;
std::span<const run_state> all_run_states() noexcept;
std::span<const phase> all_phases() noexcept;

/// Lower-case name as on the command line, for example `queued`.
std::string_view to_string(task_state x) noexcept;
std::string_view to_string(run_state x) noexcept;
std::string_view to_string(phase x) noexcept;
/// The tag of a phase in logs: `Sync`, `Resolve`, `Execute`, `Push`.
std::string_view log_tag(phase x) noexcept;

/// Another system's words for task states.
enum class vocabulary : std::uint8_t { maze_worker = 1, retire_cluster = 2, hyperqueue = 3 };
/// The word that a user of another system knows for `x`. HyperQueue calls a cancelled task `aborted`
/// where `reason` is `upstream_failed` and `canceled` otherwise; the others do not look at `reason`.
std::string_view alias(task_state x, vocabulary words, errc reason = errc::none) noexcept;

} // namespace maze::core
